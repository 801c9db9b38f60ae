// What the devices of a claim have in common, or must not have.
import type { Device, DeviceAttribute, DeviceConstraint } from '../../../generated/resource-v1.ts';

export interface AttributeConstraint {
  /** Counts the device in, unless it may not join those there are. `request`: `name`, `part`: `name/sub`. */
  add(place: RequestPlace, driver: string, device: Device): boolean;
  /** Undoes the last `add` that gave true. */
  removeLast(): void;
}

export interface RequestPlace {
  readonly request: string;
  /** `request/name` of an alternative. */
  readonly alternative?: string | undefined;
}

/** By its full name, or by the short one when it is the driver's own. */
function attributeOf(device: Device, driver: string, name: string): DeviceAttribute | undefined {
  const attributes = device.attributes ?? {};
  if (Object.hasOwn(attributes, name)) return attributes[name];
  const slash = name.indexOf('/');
  if (slash < 0 || name.slice(0, slash) !== driver) return undefined;
  const short = name.slice(slash + 1);
  return Object.hasOwn(attributes, short) ? attributes[short] : undefined;
}

/** One text for equal values of one type; undefined: a list, or none. */
function valueText({ string, int, bool, version }: DeviceAttribute): string | undefined {
  if (string !== undefined) return `s${string}`;
  if (int !== undefined) return `i${int}`;
  if (bool !== undefined) return `b${bool}`;
  return version === undefined ? undefined : `v${version}`;
}

/** @throws when the constraint is of a kind that is not known. */
export function constraintOf({
  requests,
  matchAttribute,
  distinctAttribute,
}: DeviceConstraint): AttributeConstraint | undefined {
  const name = matchAttribute ?? distinctAttribute;
  if (name === undefined) return undefined;
  const isDistinct = matchAttribute === undefined;
  const concerns = ({ request, alternative }: RequestPlace) =>
    !requests?.length || requests.includes(request) || (alternative !== undefined && requests.includes(alternative));
  /** Undefined: a device that the constraint does not concern. */
  const values: (string | undefined)[] = [];
  return {
    add(place, driver, device) {
      if (!concerns(place)) {
        values.push(undefined);
        return true;
      }
      const attribute = attributeOf(device, driver, name);
      const value = attribute && valueText(attribute);
      if (value === undefined) return false;
      const isFine = isDistinct
        ? !values.includes(value)
        : values.every((other) => other === undefined || other === value);
      if (isFine) values.push(value);
      return isFine;
    },
    removeLast: () => void values.pop(),
  };
}
