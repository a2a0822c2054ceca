// A second reader of SPEC.md, with Node's own cryptography only: node reader.mjs VECTORS.json
// It opens each positive vector, a cell or a file, to its bytes, refuses each negative one for its reason, and makes
// each blind tag.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from "node:crypto";
import { readFileSync } from "node:fs";

const CODECS = ["", "text", "integer", "decimal", "float", "boolean", "date", "datetime", "time", "duration", "uuid", "json", "binary"];
const COBBLESTONE = "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";
const CHUNK = 16384 + 16;
const hex = (text) => Buffer.from(text, "hex");
const lv = (bytes) => Buffer.concat([Buffer.from([bytes.length >>> 24, bytes.length >>> 16, bytes.length >>> 8, bytes.length]), bytes]);
const lvText = (text) => lv(Buffer.from(text, "utf8"));
const hkdf = (secret, ...info) => Buffer.from(hkdfSync("sha256", secret, "", Buffer.concat(info), 32));
const refuse = (name) => { throw new Error(name); };

// Section 2: XAES-256-GCM. The key of one N1 is two blocks of AES over a message of one block (SP 800-108 over CMAC).
function xaesKey(key, n1) {
  const aes = (block) => createCipheriv("aes-256-ecb", key, null).setAutoPadding(false).update(block);
  const l = aes(Buffer.alloc(16));
  const k1 = Buffer.from(l.map((byte, i) => (byte << 1) | ((l[i + 1] ?? 0) >>> 7)));
  if (l[0] & 0x80) k1[15] ^= 0x87;
  return Buffer.concat([1, 2].map((counter) => {
    const block = Buffer.concat([Buffer.from([0, counter, 0x58, 0]), n1]);
    return aes(Buffer.from(block.map((byte, i) => byte ^ k1[i])));
  }));
}

function gcmOpen(key, nonce, sealed, aad = Buffer.alloc(0)) {
  const gcm = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 });
  gcm.setAAD(aad).setAuthTag(sealed.subarray(-16));
  const plaintext = gcm.update(sealed.subarray(0, -16));
  try { gcm.final(); } catch { refuse("OpenFailed"); }
  return plaintext;
}

// Sections 1, 2, 3 and 5.
function open(cell, { label, codec, bind, key, key_id }) {
  if (!cell.length || cell[0] < 0x80 || cell[0] > 0xbf) refuse("NotSealed");
  if (cell[0] !== 0x81 || ![0x04, 0x05, 0x15].includes(cell[1])) refuse("UnknownFormat");
  const start = cell[1] & 1 ? 22 : 6;
  if (cell.length < start + 24 + 16 + 16) refuse("OpenFailed");
  if (cell.toString("hex", 2, 6) !== key_id) refuse("KeyUnavailable");
  const context = Buffer.from("rampart/field/1");
  const bound = bind.flatMap(([name, value]) => [lvText(name), lv(hex(value))]);
  const aad = Buffer.concat([context, cell.subarray(0, start), lvText(label), lvText(codec), lv(Buffer.concat(bound))]);
  const [n1, n2, sealed] = [cell.subarray(start, start + 12), cell.subarray(start + 12, start + 24), cell.subarray(start + 24)];
  const padded = gcmOpen(xaesKey(hkdf(hex(key), context, lvText(label)), n1), n2, sealed, aad);
  let end = padded.length;
  while (end && padded[end - 1] === 0) end -= 1;
  if (padded[end - 1] !== 0x80 || padded[0] !== CODECS.indexOf(codec)) refuse("UnknownFormat");
  return padded.subarray(1, end - 1);
}

// Section 9: Cobblestone-256.
function openFile(file, { label, bind, key, key_id }) {
  if (file.length < 10 || file.toString("latin1", 0, 4) !== "RMPF") refuse("NotSealed");
  if (file[4] !== 1 || file[5] !== 0) refuse("UnknownFormat");
  if (file.toString("hex", 6, 10) !== key_id) refuse("KeyUnavailable");
  const [salt, commitment, chunks] = [file.subarray(10, 34), file.subarray(34, 66), file.subarray(66)];
  if (chunks.length % CHUNK < 16) refuse("OpenFailed");
  const context = Buffer.from("rampart/file/1");
  const bound = bind.flatMap(([name, value]) => [lvText(name), lv(hex(value))]);
  const info = Buffer.concat([Buffer.from(COBBLESTONE), salt, context, lvText(label), lv(Buffer.concat(bound))]);
  const okm = expand(hkdf(hex(key), context, lvText(label)), info);
  if (!okm.subarray(44, 76).equals(commitment)) refuse("OpenFailed");
  const opened = [];
  for (let number = 0; number * CHUNK < chunks.length; number += 1) {
    const nonce = Buffer.from(okm.subarray(32, 44));
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ number) >>> 0, 8);
    opened.push(gcmOpen(okm.subarray(0, 32), nonce, chunks.subarray(number * CHUNK, (number + 1) * CHUNK)));
  }
  return Buffer.concat(opened);
}

function expand(key, info) { // HKDF-Expand with SHA-512 (RFC 5869), two blocks
  const first = createHmac("sha512", key).update(info).update(Buffer.of(1)).digest();
  return Buffer.concat([first, createHmac("sha512", key).update(first).update(info).update(Buffer.of(2)).digest()]);
}

// Section 6, from the normalized value: full case folding is not in the language. A truncated index is "name/bits".
function tag(label, index, root, codec, normalized) {
  const key = hkdf(hex(root), Buffer.from("rampart/index/1"), lvText(label), lvText(index));
  const whole = createHmac("sha256", key).update(Buffer.from([CODECS.indexOf(codec)])).update(hex(normalized)).digest().subarray(0, 16);
  const bits = Number(index.split("/")[1] ?? 128);
  return Buffer.from(whole.map((byte, i) => byte & (0xff00 >>> Math.min(8, Math.max(0, bits - 8 * i)))));
}

function outcome(vector) {
  const opened = () => ("file" in vector ? openFile(hex(vector.file), vector) : open(hex(vector.cell), vector));
  try { return opened().toString("hex"); } catch (error) { return error.message; }
}

const { positive = [], negative = [], tags = [] } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const wrong = [];
const expect = (name, found, wanted) => found === wanted || wrong.push(`${name}: ${found} instead of ${wanted}`);
for (const vector of positive) {
  expect(vector.name, outcome(vector), vector.encoded ?? vector.content.repeat(vector.times));
  if (vector.index) {
    const made = tag(vector.label, vector.index.name, vector.index.root, vector.codec, vector.index.normalized);
    expect(`tag of ${vector.name}`, made.toString("hex"), vector.cell.slice(12, 44));
  }
}
for (const vector of negative) expect(vector.name, outcome(vector), vector.error);
for (const vector of tags) {
  const index = vector.bits ? `${vector.normalizer}/${vector.bits}` : vector.normalizer;
  expect(vector.value, tag(vector.label, index, vector.root, vector.codec, vector.normalized).toString("hex"), vector.tag);
}
console.log(JSON.stringify({ checked: positive.length + negative.length + tags.length, wrong }));
