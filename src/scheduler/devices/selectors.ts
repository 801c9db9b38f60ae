// Which devices an expression selects. Expressions and what they said of a device are kept: few are asked again and again.
import type { Device, DeviceSelector } from '../../../generated/resource-v1.ts';
import { compileSelector, type Selector, selectorCostLimit } from '../../api/resource/device-selector.ts';
import { LruMap } from '../../reconcile/lru-map.ts';
import { typeNameOf } from '../../schema/cel/value-types.ts';
import { deviceValue } from './device-values.ts';

const maxCompiled = 256;
const maxKeptOfDevice = 16;
const compiled = new LruMap<string, Selector>(maxCompiled);
/** Devices come from a cache and never change; a changed one is another object. */
const kept = new WeakMap<Device, Map<string, boolean>>();

function selectorFor(expression: string): Selector {
  let known = compiled.get(expression);
  if (!known) {
    known = compileSelector(expression);
    compiled.set(expression, known);
  }
  return known;
}

/** @throws with what is wrong. */
function evaluate(expression: string, driver: string, device: Device): boolean {
  const selector = selectorFor(expression);
  if ('problem' in selector) throw new Error(`CEL compile error: ${selector.problem}`);
  const { value, error } = selector.program.evaluate(
    { device: deviceValue(driver, device) },
    { costLimit: selectorCostLimit },
  );
  if (error) throw new Error(`CEL runtime error: ${error.message}`);
  if (typeof value === 'boolean') return value;
  const type = typeNameOf(value);
  const problem = `type conversion error from '${type}' to 'bool'`;
  throw new Error(`CEL runtime error: CEL result of type ${type} could not be converted to bool: ${problem}`);
}

function matches(expression: string, driver: string, device: Device): boolean {
  const known = kept.get(device) ?? new Map<string, boolean>();
  kept.set(device, known);
  let answer = known.get(expression);
  if (answer === undefined) {
    answer = evaluate(expression, driver, device);
    if (known.size >= maxKeptOfDevice) known.clear();
    known.set(expression, answer);
  }
  return answer;
}

/** `whose`: `class x`, `claim ns/name`. @throws when an expression cannot be read, or fails. */
export function selectorsMatch(
  selectors: readonly DeviceSelector[] | undefined,
  driver: string,
  device: Device,
  whose: string,
): boolean {
  return (selectors ?? []).every(({ cel }, index) => {
    try {
      return matches(cel?.expression ?? '', driver, device);
    } catch (error) {
      throw new Error(`${whose}: selector #${index}: ${(error as Error).message}`);
    }
  });
}
