// What producers written in JavaScript send: the plain kafkajs producer of many guides (ids in the body alone), kafkajs
// with headers, and CloudEvents' own SDK in both modes. Arguments: HOST:PORT TOPIC
import { randomUUID } from "node:crypto";
import { CloudEvent, Kafka as Binding } from "cloudevents";
import { Kafka, logLevel } from "kafkajs";

const [servers, topic] = process.argv.slice(2);
const correlationId = "req-from-javascript";
const producer = new Kafka({ brokers: [servers], logLevel: logLevel.ERROR }).producer();

const order = {
  eventId: randomUUID(), eventType: "order.placed", eventVersion: "1.0", timestamp: new Date().toISOString(),
  source: "order-service", data: { orderId: "4711", note: "süß \u2028 \"quoted\" / slash" }, metadata: { correlationId },
};
const paid = { kind: "order.paid" };
const paidId = randomUUID();
const cloud = (type, id, causationid) => new CloudEvent({
  id, type, source: "/billing", correlationid: correlationId, causationid, partitionkey: "4711",
  datacontenttype: "application/json", data: { total: 250.5 },
});
const billed = cloud("bill.sent", randomUUID(), paidId);
const shipped = cloud("order.shipped", randomUUID(), billed.id);
const asMessage = ({ key, value, headers }) => ({
  key, value: typeof value === "string" ? value : JSON.stringify(value),
  headers: Object.fromEntries(Object.entries(headers).filter(([, held]) => held !== undefined)),
});

await producer.connect();
await producer.send({ topic, messages: [{ key: "4711", value: JSON.stringify(order) }] });
await producer.send({
  topic,
  messages: [{ key: "4711", value: JSON.stringify(paid), headers: {
    "X-Event-Id": paidId, "X-Event-Type": "order.paid", "X-Correlation-Id": correlationId, "X-Causation-Id": order.eventId,
  } }],
});
await producer.send({ topic, messages: [asMessage(Binding.binary(billed)), asMessage(Binding.structured(shipped))] });
await producer.disconnect();
