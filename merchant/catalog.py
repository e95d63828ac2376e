"""What the shop sells. Replace it with your own products; prices always come from the server.   (edit this)"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """`name` is at most 40 bytes of UTF-8 without % & | $ - + = [ ], which some PGs refuse in an orderName.

    `price` is in KRW, 1,000 or more: KG Inicis and Welcome refuse less by default.
    `type` is PortOne's productType, `REAL` (shipped) or `DIGITAL`; carrier billing (MOBILE) needs it.
    `name_en` is for who reads English, and shown only: PortOne is told `name`.
    """

    id: str
    name: str
    price: int
    type: str = "REAL"
    name_en: str = ""


PRODUCTS = {
    product.id: product
    for product in (
        Product(
            "waffle-trainer", "나이키 와플 트레이너 2 SD", 1_000, name_en="Nike Waffle Trainer 2 SD"
        ),
        Product("drip-coffee", "핸드드립 커피 10개입", 12_900, name_en="Drip coffee, 10 bags"),
        Product(
            "wallpaper",
            "서울 야경 배경화면",
            3_300,
            type="DIGITAL",
            name_en="Wallpaper: Seoul at night",
        ),
    )
}
