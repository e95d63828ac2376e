// PortOne's JavaScript server SDK at work. `node official.mjs <folder of the package> <orders as JSON>` -> JSON.
import { pathToFileURL } from "node:url";

const [folder, orders] = process.argv.slice(2);
const { PortOneClient, Webhook } = await import(pathToFileURL(`${folder}/dist/index.mjs`));
const { base, secret, webhookSecret, webhooks, calls } = JSON.parse(orders);
const { payment } = PortOneClient({ secret, baseUrl: base });

const answers = [];
for (const [name, request] of calls) {
  try {
    answers.push(await payment[name](request));
  } catch (error) {
    answers.push({ error: error.data?.type ?? String(error) });
  }
}
const verified = [];
for (const { body, headers } of webhooks) {
  try {
    verified.push((await Webhook.verify(webhookSecret, body, headers)).type);
  } catch (error) {
    verified.push(error.reason ?? String(error));
  }
}
console.log(JSON.stringify({ answers, verified }));
