// YAML for those who ask: printed from the JSON form. Not a fast path.
import { parseStored } from '../../base/big-integers.ts';
import { yamlPrinter } from '../http/yaml.ts';
import type { ObjectFormat } from './format.ts';

const reprint = (json: Uint8Array | readonly Uint8Array[]) =>
  Buffer.from(yamlPrinter()(parseStored(Buffer.concat(Array.isArray(json) ? [...json] : [json as Uint8Array]))));
const document = (frame: Buffer) => Buffer.concat([Buffer.from('---\n'), reprint(frame)]);

export function yamlFormat(json: ObjectFormat): ObjectFormat {
  return {
    key: `yaml ${json.key}`,
    contentType: 'application/yaml',
    watchContentType: 'application/yaml;stream=watch',
    single: (entry) => reprint(json.single(entry)),
    list: (entries, head) => ({ chunks: [reprint([...json.list(entries, head).chunks])] }),
    frame: (type, entry) => document(json.frame(type, entry)),
    bookmark: (revision, isInitialEnd) => document(json.bookmark(revision, isInitialEnd)),
    error: (status) => document(json.error(status)),
  };
}
