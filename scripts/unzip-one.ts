// Takes one file out of a zip archive: node unzip-one.ts ARCHIVE MEMBER TARGET. Spares the tests a Debian package.
import { chmodSync, closeSync, fstatSync, openSync, readSync, writeFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';

const [archive = '', member = '', target = ''] = process.argv.slice(2);
const descriptor = openSync(archive, 'r');
const read = (length: number, position: number) => {
  const buffer = Buffer.alloc(length);
  readSync(descriptor, buffer, 0, length, position);
  return buffer;
};

// The directory of a zip archive is at its end; its own end record says where it begins.
const { size } = fstatSync(descriptor);
const tail = read(Math.min(size, 65_557), Math.max(0, size - 65_557));
const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
if (end < 0) throw new Error(`${archive} is not a zip archive`);
const directory = read(tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16));
for (let at = 0; at < directory.length; ) {
  const [packed, nameLength] = [directory.readUInt32LE(at + 20), directory.readUInt16LE(at + 28)];
  const next = at + 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  if (directory.toString('utf8', at + 46, at + 46 + nameLength) === member) {
    const start = directory.readUInt32LE(at + 42);
    const head = read(30, start);
    const data = read(packed, start + 30 + head.readUInt16LE(26) + head.readUInt16LE(28));
    writeFileSync(target, directory.readUInt16LE(at + 10) === 8 ? inflateRawSync(data) : data);
    chmodSync(target, 0o755);
    closeSync(descriptor);
    process.exit(0);
  }
  at = next;
}
throw new Error(`${member} is not in ${archive}`);
