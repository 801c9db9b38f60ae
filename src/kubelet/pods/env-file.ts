// A variable out of a file in one of the pod's volumes: `NAME='words'` lines, as containers write them for those after them.
import { constants } from 'node:fs';
import { open, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';

const { O_NONBLOCK, O_RDONLY } = constants;
const maxBytes = 2 ** 20;

/**
 * '' when the file has no such variable.
 *
 * @param root the volume's folder: containers may have planted links in it, and none leads out
 * @throws when the file is missing, too large, or not in that form
 */
export async function readEnvFile(root: string, path: string, key: string): Promise<string> {
  await using file = await open(join(root, path), O_RDONLY | O_NONBLOCK);
  const [opened, within] = await Promise.all([readlink(`/proc/self/fd/${file.fd}`), realpath(root)]);
  if (!opened.startsWith(`${within}/`)) throw new Error(`${path} leads out of its volume`);
  const { size, isFile } = await file.stat().then((found) => ({ size: found.size, isFile: found.isFile() }));
  if (!isFile || size > maxBytes) throw new Error(`${path} is no file of at most ${maxBytes} bytes`);
  return findVariable(await file.readFile('utf8'), key);
}

/** @throws for a line that is neither blank, nor a comment, nor an assignment */
export function findVariable(text: string, key: string): string {
  const lines = text.replaceAll('\r\n', '\n').replace(/\n$/, '').split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!.replace(/^[ \t]+/, '');
    if (line === '' || line.startsWith('#')) continue;
    const refuse = (why: string): never => {
      throw new Error(`invalid environment variable format at line ${at + 1}: ${why}`);
    };
    const equals = line.indexOf('=');
    if (equals < 0) refuse("missing '='");
    const name = line.slice(0, equals);
    if (name.trim() === '') refuse('empty variable name');
    if (/[ \t]$/.test(name)) refuse("whitespace before '=' is not allowed");
    const words = line.slice(equals + 1);
    if (/^[ \t]/.test(words)) {
      // A shell takes this for an empty value.
      if (name === key) return '';
      continue;
    }
    if (!words.startsWith("'")) refuse('value must be enclosed in single quotes');
    const value = [words.slice(1)];
    while (!value.at(-1)!.includes("'")) {
      at += 1;
      if (at >= lines.length) refuse('unclosed single quote');
      value.push(lines[at]!);
    }
    const last = value.pop()!;
    const end = last.indexOf("'");
    if (!/^[ \t]*(#|$)/.test(last.slice(end + 1))) refuse('unexpected content after closing quote');
    if (name === key) return [...value, last.slice(0, end)].join('\n');
  }
  return '';
}
