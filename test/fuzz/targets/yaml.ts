// YAML: what is printed is read as the same, and nothing but a YamlError comes of bad text.

import { StatusError } from '../../../src/api/meta/status-error.ts';
import { yamlToJson } from '../../../src/apiserver/verbs/decode-yaml.ts';
import { parseYaml, stringifyYaml, YamlError } from '../../../src/base/yaml.ts';
import { DecodeError, decodeJsonBody } from '../../../src/schema/codec.ts';
import { PatchError } from '../../../src/schema/patch-error.ts';
import { decodeApplyPatch } from '../../../src/schema/yaml-body.ts';
import { recordedObjects } from '../corpus.ts';
import { mutatedBytes } from '../mutate-bytes.ts';
import { mutatedTree, Token } from '../mutate-json.ts';
import { below, chance, type FuzzTarget, must, pick, refusedOr, refusedOrAsync, textOf } from '../target.ts';
import { typeOfBody } from './json.ts';

const pieces = [
  '&a ',
  '*a',
  '<<: *a\n',
  '- ',
  ': ',
  '\n',
  '  ',
  '\t',
  '|',
  '>-',
  '"',
  "'",
  '{',
  '}',
  '[',
  ']',
  '? ',
  '!!binary ',
  '!!js/function ',
  '%YAML 1.1\n',
  '---\n',
  '...',
  '#',
  '0644',
  '0o17',
  '1_000',
  '.inf',
  'yes',
  '~',
  '2026-01-01',
  '!!str',
  '*',
  '&',
  '@',
  '`',
  '\u0085',
  '\uFEFF',
  'a: &a [*a, *a]\n',
  '__proto__: 1\n',
  '<<: [*a, *a]\n',
];

/** Trees that YAML can print: without tokens. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_key, each) => (each instanceof Token ? each.text : each)) ?? 'null');
}

export const yamlTarget: FuzzTarget = {
  name: 'yaml',
  async open() {
    const objects = recordedObjects();
    const texts = objects.map((each) => Buffer.from(stringifyYaml(each)));
    return {
      make(random) {
        if (chance(random, 0.3))
          return Buffer.from(stringifyYaml(plain(mutatedTree(random, pick(random, objects), objects))));
        let text = textOf(mutatedBytes(random, pick(random, texts), pick(random, texts)));
        for (let more = below(random, 6); more > 0; more--) {
          const at = below(random, text.length + 1);
          text = text.slice(0, at) + pick(random, pieces) + text.slice(at);
        }
        return Buffer.from(text);
      },
      async check(input) {
        const text = textOf(input);
        const value = refusedOr([YamlError], () => parseYaml(text));
        await refusedOrAsync([PatchError, DecodeError], async () => decodeApplyPatch(input));
        const json = (await refusedOrAsync([StatusError], () => yamlToJson(input, 'Thing')))?.json;
        if (json !== undefined) refusedOr([DecodeError], () => decodeJsonBody(json, typeOfBody, { strict: true }));
        if (value === undefined) return;
        const printed = stringifyYaml(value);
        must(sorted(parseYaml(printed)) === sorted(value), () => `read again it differs:\n${printed}`);
      },
    };
  },
};

const sorted = (value: unknown): string =>
  JSON.stringify(value, (_key, each) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
