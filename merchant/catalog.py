"""What the shop sells.

Replace it with your own products; prices always come from here. (edit this)
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """A product.

    name: at most 64 characters. What the PG does not take in an orderName is left out there.
    price: in KRW, at least 1,000; KG Inicis and Welcome refuse less by default.
    tax_free: the part of the price that bears no VAT (면세), for fresh food, books, tuition. Most
    PGs want a contract for it.
    type: PortOne's productType, REAL (shipped) or DIGITAL; carrier billing (MOBILE) needs it.
    name_en: shown to readers of English; PortOne gets `name`.
    """

    id: str
    name: str
    price: int
    type: str = "REAL"
    name_en: str = ""
    tax_free: int = 0

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= 64:
            raise ValueError(f"{self.id}: name must have 1 to 64 characters, not {len(self.name)}")
        if not 0 <= self.tax_free <= self.price:
            raise ValueError(f"{self.id}: tax_free must be from 0 to the price, {self.price}")


PRODUCTS = {
    product.id: product
    for product in (
        Product(
            "waffle-trainer", "나이키 와플 트레이너 2 SD", 1_000, name_en="Nike Waffle Trainer 2 SD"
        ),
        Product("drip-coffee", "핸드드립 커피 10개입", 12_900, name_en="Drip coffee, 10 bags"),
        Product("wallpaper", "서울 야경 배경화면", 3_300, "DIGITAL", "Wallpaper: Seoul at night"),
    )
}


def product_type(product_id: str) -> str:
    """Returns PortOne's productType of a product; REAL if it is no longer sold."""
    product = PRODUCTS.get(product_id)
    return product.type if product else "REAL"
