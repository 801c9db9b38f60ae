// CEL: compiling and evaluating never throw, whatever the expression and the object; cost is bounded, and so is the time.

import { enableBigIntJson } from '../../../src/base/big-integers.ts';
import type { Random } from '../../../src/base/random.ts';
import { compile } from '../../../src/schema/cel/cel.ts';
import { fromJson, toJson } from '../../../src/schema/cel/json-values.ts';
import { admissionVariables } from '../../../src/schema/cel/kubernetes-types.ts';
import { dynType } from '../../../src/schema/cel/types.ts';
import { recordedObjects, recordedTrees } from '../corpus.ts';
import { mutatedBytes } from '../mutate-bytes.ts';
import { below, chance, type FuzzTarget, must, pick, textOf } from '../target.ts';

interface CelInput {
  readonly expression: string;
  readonly object: object;
}

const handmade = [
  'self.items.all(i, i.name.matches("^a+$"))',
  'object.spec.containers.exists(c, c.image.startsWith("a") && c.ports.map(p, p.containerPort).sum() > 3)',
  '[1,2,3].map(x, [1,2,3].map(y, x*y)).size() == 3',
  'quantity("1Gi").isGreaterThan(quantity("100m"))',
  'url("https://a.b/c?d=e").getHost().split(".").join("-")',
  'self.a.b.orValue(1) == 2 ? "x" : string(timestamp("2026-01-01T00:00:00Z"))',
  'has(self.spec) && self.spec.replicas * 9223372036854775807 > 0',
  '"abc".find("[a-z]+") + "%s %d".format(["x", 5])',
  'ip("10.0.0.1").family() == 4 && cidr("10.0.0.0/8").containsIP("10.1.2.3")',
  'oldObject == null || dyn(object).metadata.labels["a"] in ["b", "c"]',
];
const tokens = [
  'self',
  'object',
  'oldObject',
  'request',
  '.',
  '?',
  ':',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  ',',
  '+',
  '-',
  '*',
  '/',
  '%',
  '!',
  '&&',
  '||',
  '==',
  '!=',
  '<',
  'in',
  'has(',
  'size(',
  '.map(x, ',
  '.all(x, ',
  '.exists_one(x, ',
  '.filter(x, ',
  'dyn(',
  'string(',
  'int(',
  'duration("1h")',
  '1',
  '-1',
  '9223372036854775807',
  '1u',
  '1.5e300',
  '"a"',
  "b'\\xff'",
  'r"\\d+"',
  'null',
  'true',
  '__proto__',
  'constructor',
  '.matches("(a+)+$")',
  '.split("")',
  '.replace("a","b")',
  '.sort()',
  '.flatten()',
  'math.greatest(1,2)',
  'sets.contains([1],[1])',
  'type(1)',
  '"""',
  '\\',
  '// x\n',
  'x'.repeat(300),
  '['.repeat(300),
  '('.repeat(300),
  '!'.repeat(300),
  '-'.repeat(300),
  'a.'.repeat(300),
  '[1,2,3,4,5,6,7,8,9].map(x, '.repeat(6),
];

/** Expressions in the recorded policies and definitions. */
function recorded(): string[] {
  const found = new Set(handmade);
  for (const tree of [...recordedObjects(), ...recordedTrees('application/apply-patch+yaml')]) {
    JSON.stringify(tree, (key, value) => {
      if (typeof value === 'string' && /^(?:expression|rule|messageExpression|valueExpression)$/.test(key))
        found.add(value);
      return value;
    });
  }
  return [...found];
}

function expressionOf(random: Random, all: readonly string[]): string {
  if (chance(random, 0.25)) return Array.from({ length: below(random, 20) }, () => pick(random, tokens)).join(' ');
  let text = pick(random, all);
  if (chance(random, 0.3)) text = textOf(mutatedBytes(random, Buffer.from(text), Buffer.from(pick(random, all))));
  for (let more = below(random, 4); more > 0; more--) {
    const at = below(random, text.length + 1);
    text = text.slice(0, at) + pick(random, tokens) + text.slice(chance(random, 0.5) ? at : at + below(random, 8));
  }
  return text;
}

export const celTarget: FuzzTarget = {
  name: 'cel',
  async open() {
    enableBigIntJson();
    const expressions = recorded();
    const objects = recordedObjects();
    const variables = { ...admissionVariables({ params: true }), self: dynType, oldSelf: dynType };
    return {
      make: (random) =>
        Buffer.from(JSON.stringify({ expression: expressionOf(random, expressions), object: pick(random, objects) })),
      check(input) {
        const { expression, object } = JSON.parse(textOf(input)) as CelInput;
        const { program, text } = compile(expression, { variables, hasPatchTypes: true, hasBind: true });
        if (!program) {
          must(typeof text === 'string' && text !== '', () => 'a text that does not compile is told no reason');
          return;
        }
        const value = fromJson(object);
        const bindings = {
          object: value,
          oldObject: value,
          self: value,
          oldSelf: value,
          params: fromJson(null),
          request: fromJson({}),
          namespaceObject: fromJson(null),
        };
        const result = program.evaluate(bindings, { costLimit: 100_000 });
        must(Number.isFinite(result.cost) || result.error !== undefined, () => `the cost is ${result.cost}`);
        program.estimateCost();
        if (result.value !== undefined) JSON.stringify(toJson(result.value));
      },
    };
  },
};
