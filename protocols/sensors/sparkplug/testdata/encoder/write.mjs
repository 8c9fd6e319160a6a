// Writes what a node and its devices say, encoded by sparkplug-payload: one JSON line for each message, with its topic and its
// payload in base64. Run it by hand (npm ci && npm run write) when a message is added; the tests read the file that it leaves.
import { deflateSync, gzipSync } from "node:zlib";
import sparkplug from "sparkplug-payload";

const { encodePayload } = sparkplug.get("spBv1.0");
const at = 1772352000000; // 2026-03-01T08:00:00Z

let minute = 0;
function say(type, device, metrics, seq, more = {}) {
  const timestamp = at + 60000 * minute++;
  for (const m of metrics) m.timestamp ??= timestamp;
  write(type, device, encodePayload({ timestamp, metrics, seq, ...more }));
}
function write(type, device, bytes) {
  const topic = ["spBv1.0", "plant", type, "pump house"].concat(device ?? []).join("/");
  console.log(JSON.stringify({ topic, payload: Buffer.from(bytes).toString("base64") }));
}

const quality = (value) => ({ Quality: { type: "Int32", value } });
const unit = (value) => ({ engUnit: { type: "String", value } });

say("NBIRTH", undefined, [
  { name: "bdSeq", type: "UInt64", value: 7 },
  { name: "Node Control/Rebirth", type: "Boolean", value: false },
  { name: "Properties/Hardware Make", type: "String", value: "Zhang San" },
  { name: "Supply Voltage", alias: 1, type: "Float", value: 23.9 },
], 0);
say("DBIRTH", "sump", [
  { name: "Sensors/Temperature", alias: 10, type: "Int32", value: -5 },
  { name: "Sensors/Humidity", alias: 11, type: "UInt16", value: 61 },
  { name: "Sensors/Water Level", alias: 12, type: "Double", value: 142.5, properties: unit("cm") },
  { name: "Sensors/Leak", alias: 13, type: "Boolean", value: false },
  { name: "Sensors/Gas", alias: 14, type: "Float", value: 3.5, properties: unit("%LEL") },
  { name: "Operator", alias: 15, type: "String", value: "Zhang San" },
  { name: "Hall/Smoke", alias: 16, type: "Boolean", value: false },
  { name: "Attic/Smoke", alias: 17, type: "Boolean", value: false },
], 1);
say("DDATA", "sump", [
  { alias: 10, type: "Int32", value: -12 },
  { alias: 12, type: "Double", value: 181.25 },
  { alias: 13, type: "Boolean", value: true },
  { alias: 15, type: "String", value: "Li Si" },
], 2);
say("DDATA", "sump", [
  { alias: 16, type: "Boolean", value: true },
  { alias: 11, type: "UInt16", value: null },
  { alias: 10, type: "Int32", value: 40, properties: quality(0) },
], 3);
say("DDATA", "sump", [
  { alias: 10, type: "Int32", value: -20, timestamp: at - 172800000, isHistorical: true },
  { alias: 10, type: "Int32", value: -21, timestamp: at - 172740000, isHistorical: true },
  { alias: 17, type: "Boolean", value: true, timestamp: at - 172740000, isHistorical: true },
], 4);
say("DDATA", "sump", [
  { name: "Temperature 1", type: "Int8", value: -7 },
  { name: "Temperature 2", type: "Int16", value: -300 / 10 },
  { name: "Temperature 3", type: "Int64", value: -9 },
  { name: "Temperature 4", type: "UInt8", value: 200 },
  { name: "Temperature 5", type: "UInt32", value: 1200 },
  { name: "Temperature 6", type: "UInt64", value: 21 },
  { name: "Temperature 7", type: "Float", value: 21.3 },
  { name: "Temperature 8", type: "Double", value: -0.125 },
], 5);
say("DDATA", "sump", [
  { name: "Table", type: "DataSet", value: { numOfColumns: 1, types: ["String"], columns: ["name"], rows: [["Zhang San"]] } },
  { name: "Card", type: "Template", value: { isDefinition: false, metrics: [{ name: "Owner", type: "String", value: "Zhang San" }], parameters: [] } },
  { name: "Picture", type: "Bytes", value: new Uint8Array([1, 2, 3]) },
  { name: "Temperature", type: "Float", value: 20 },
], 6);
const inner = encodePayload({ timestamp: at + 3600000, metrics: [{ alias: 10, type: "Int32", value: 17, timestamp: at + 3600000 }], seq: 7 });
for (const [algorithm, pack, seq] of [["DEFLATE", deflateSync, 7], ["GZIP", gzipSync, 7]]) {
  write("DDATA", "sump", encodePayload({ uuid: "SPBV1.0_COMPRESSED", body: pack(inner), metrics: [{ name: "algorithm", type: "String", value: algorithm }] }));
}
say("NDATA", undefined, [{ alias: 1, type: "Float", value: 24.1 }], 8);
say("DDEATH", "sump", [], 9);
say("NDEATH", undefined, [{ name: "bdSeq", type: "UInt64", value: 6 }], undefined);
say("NDEATH", undefined, [{ name: "bdSeq", type: "UInt64", value: 7 }], undefined);
