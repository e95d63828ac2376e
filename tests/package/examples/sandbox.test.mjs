// A project in another language: the sandbox is a process of its own. Run: node --test
import assert from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, beforeEach, test } from "node:test";

let sandbox, settings;

before(async () => {
  const options = ["serve", "--port", "0", "--database", ":memory:", "--print-json"];
  sandbox = spawn("portone-sandbox", options, { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = await once(createInterface(sandbox.stdout), "line");
  settings = JSON.parse(line); // give these to your server: PORTONE_API_BASE, PORTONE_API_SECRET, …
});

beforeEach(() => control("reset", {}));

after(async () => {
  sandbox.kill();
  await once(sandbox, "exit");
});

async function control(path, body) {
  const options = body && { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(`${settings.PORTONE_CONSOLE_URL}control/${path}`, options);
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}

function payment() {
  return {
    storeId: settings.PORTONE_STORE_ID,
    channelKey: settings.PORTONE_CHANNEL_KEY,
    paymentId: "order1",
    orderName: "Shoes",
    totalAmount: 1000,
    currency: "KRW",
    payMethod: "CARD",
  };
}

function lookUp() { // your server does this
  const headers = { Authorization: `PortOne ${settings.PORTONE_API_SECRET}` };
  return fetch(`${settings.PORTONE_API_BASE}/payments/order1`, { headers });
}

test("a payment", async () => {
  await control("payments", { request: payment(), outcome: "approve" });
  const record = await (await lookUp()).json();
  assert.equal(record.status, "PAID");
  const { entries } = await control("journal?paymentId=order1");
  assert.deepEqual(entries.map((entry) => entry.status), [200]);
});

test("a decline", async () => {
  await control("payments", { request: payment(), outcome: "decline", code: "INVALID_PASSWORD" });
  const record = await (await lookUp()).json();
  assert.equal(record.failure.pgCode, "INVALID_PASSWORD");
});

test("an outage", async () => {
  await control("switches/outage", { fault: "500", calls: 1 });
  assert.equal((await lookUp()).status, 500);
});
