// Definitions of custom resources, and objects against those that are accepted.
import type { CustomResourceDefinition } from '../../../generated/apiextensions-v1.ts';
import { customResourceDefinitionKind } from '../../../src/api/apiextensions/custom-resource-definition.ts';
import { FieldErrors } from '../../../src/api/meta/field-errors.ts';
import { canonical, DecodeError, decodeJson, stringify } from '../../../src/schema/codec.ts';
import { decodeCustom } from '../../../src/schema/decode-custom.ts';
import { scanJson } from '../../../src/schema/json-scan.ts';
import { applyDefaults, createCustomType } from '../../../src/schema/structural/custom-object.ts';
import { toNode } from '../../../src/schema/structural/node.ts';
import { validateValue } from '../../../src/schema/structural/validate.ts';
import { recordedObjects } from '../corpus.ts';
import { mutatedTree, printed } from '../mutate-json.ts';
import { chance, type FuzzTarget, must, pick, refusedOr, textOf } from '../target.ts';

const definitionType = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition';

interface CrdInput {
  readonly definition: string;
  readonly object: string;
}

type Kind = typeof customResourceDefinitionKind & {
  validateCreate(object: CustomResourceDefinition, errors: FieldErrors): void;
};

const words = [
  'type',
  'properties',
  'items',
  'additionalProperties',
  'allOf',
  'not',
  'default',
  'enum',
  'pattern',
  'format',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-int-or-string',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'required',
  'nullable',
];
const values = [
  'object',
  'array',
  'integer',
  'number',
  'string',
  'boolean',
  'date-time',
  'int64',
  'set',
  'map',
  'atomic',
  '^(a+)+$',
  '(?=a)',
  '[',
  true,
  { type: 'string' },
  { type: 'object' },
  [{ type: 'object' }],
  ['a', 'a'],
  { '': { type: 'object' } },
];
const donors = [
  Object.fromEntries(words.map((word, index) => [word, values[index % values.length]])),
  ...values.map((value) => Object.fromEntries(words.map((word) => [word, value]))),
];

export const crdTarget: FuzzTarget = {
  name: 'crd',
  async open() {
    const objects = recordedObjects();
    const definitions = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
    const customs = objects.filter(({ apiVersion }) => String(apiVersion).includes('example.com'));
    return {
      make(random) {
        const definition = pick(random, definitions);
        const input: CrdInput = {
          definition: printed(
            random,
            chance(random, 0.2)
              ? definition
              : mutatedTree(random, definition, chance(random, 0.5) ? donors : definitions),
          ),
          object: printed(random, mutatedTree(random, pick(random, customs), customs)),
        };
        return Buffer.from(JSON.stringify(input));
      },
      check(input) {
        const { definition: text, object } = JSON.parse(textOf(input)) as CrdInput;
        const decoded = refusedOr([DecodeError], () =>
          decodeJson<CustomResourceDefinition>(definitionType, text, { strict: true }),
        );
        if (!decoded) return;
        const definition = decoded.object;
        const kind = customResourceDefinitionKind as Kind;
        kind.defaults?.(definition);
        kind.prepareForCreate?.(definition, {
          nowMs: 0,
          isDryRun: false,
          user: { username: 'a', groups: [] },
        } as never);
        const stored = canonical<CustomResourceDefinition>(definitionType, definition);
        const errors = new FieldErrors();
        kind.validateCreate(stored, errors);
        if (!errors.isEmpty) return;
        kind.warnings?.(stored, undefined);
        for (const { schema } of stored.spec.versions)
          if (schema?.openAPIV3Schema) tryObject(schema.openAPIV3Schema, object);
      },
    };
  },
};

function tryObject(schema: Parameters<typeof toNode>[0], text: string): void {
  const node = toNode(schema);
  const type = createCustomType(node);
  const read = () => {
    const { keys, hasOddNumbers } = scanJson(text);
    let tree: unknown;
    try {
      tree = JSON.parse(text);
    } catch {
      throw new DecodeError('syntax', 'no JSON');
    }
    return decodeCustom(type, { text, tree, keys, hasOddNumbers }, { strict: true });
  };
  const decoded = refusedOr([DecodeError], read);
  if (!decoded) return;
  const object = decoded.object as Record<string, unknown>;
  applyDefaults(object, node);
  validateValue(object, node);
  const once = stringify('', type.canonical(structuredClone(object)));
  const twice = stringify('', type.canonical(JSON.parse(once)));
  must(once === twice, () => `pruned again it differs:\n${once}\n${twice}`);
}
