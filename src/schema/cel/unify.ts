// Which types fit which, with type parameters bound along the way.
import { type CelType, dynType, isDynamic, isSameType, typeParam } from './types.ts';

const simpleKinds = new Set(['bool', 'bytes', 'double', 'int', 'string', 'uint', 'duration', 'timestamp', 'object']);
const nullableKinds = new Set(['opaque', 'object', 'duration', 'timestamp', 'null']);

const isDyn = (type: CelType) => type.kind === 'dyn';

function isLessSpecific(one: CelType, other: CelType): boolean {
  if (isDyn(one) || one.kind === 'param') return true;
  if (isDyn(other) || other.kind === 'param') return false;
  if (one.kind !== other.kind) return false;
  if (one.kind === 'type') return true;
  if (one.params.length === 0) return isSameType(one, other);
  if (one.name !== other.name || one.params.length !== other.params.length) return false;
  return one.params.every((param, index) => isLessSpecific(param, other.params[index]!));
}

/** The more general of two types that are known to fit. */
export const moreGeneral = (one: CelType, other: CelType): CelType => (isLessSpecific(one, other) ? one : other);

export class Unifier {
  readonly #bound = new Map<string, CelType>();
  /** What to put back when a try fails: the names in order, with what they stood for. */
  #undo: (readonly [string, CelType | undefined])[] = [];
  #count = 0;

  freshParam(): CelType {
    return typeParam(`_var${this.#count++}`);
  }

  /** Types that are told in one breath: bindings stay when all fit, and only then. */
  fits(values: readonly CelType[], wanted: readonly CelType[]): boolean {
    const outer = this.#undo;
    this.#undo = [];
    const fits = this.#allFit(values, wanted);
    if (!fits) {
      for (const [name, type] of this.#undo.reverse()) {
        if (type) this.#bound.set(name, type);
        else this.#bound.delete(name);
      }
    }
    this.#undo = outer;
    return fits;
  }

  /** With bound parameters put in; `toDyn`: the others become dyn. */
  substitute(type: CelType, toDyn: boolean): CelType {
    if (type.kind === 'param') {
      const bound = this.#bound.get(type.name);
      if (bound) return this.substitute(bound, toDyn);
      return toDyn ? dynType : type;
    }
    if (type.params.length === 0) return type;
    const params = type.params.map((param) => this.substitute(param, toDyn));
    return params.every((param, index) => param === type.params[index]) ? type : { ...type, params };
  }

  #bind(name: string, type: CelType): void {
    this.#undo.push([name, this.#bound.get(name)]);
    this.#bound.set(name, type);
  }

  #allFit(values: readonly CelType[], wanted: readonly CelType[]): boolean {
    return values.length === wanted.length && values.every((value, index) => this.#fits(value, wanted[index]!));
  }

  #fits(one: CelType, other: CelType): boolean {
    if (other.kind === 'param') {
      const { fits, wasBound } = this.#bindParam(one, other);
      if (fits) return true;
      if (wasBound) return false;
    }
    if (one.kind === 'param') return this.#bindParam(other, one).fits;
    if (isDynamic(one) || isDynamic(other)) return true;
    if (one.kind === 'null') return nullableKinds.has(other.kind);
    if (other.kind === 'null') return nullableKinds.has(one.kind);
    if (simpleKinds.has(one.kind)) return one.kind === other.kind && one.name === other.name;
    if (one.kind === 'type') return other.kind === 'type';
    return one.kind === other.kind && one.name === other.name && this.#allFit(one.params, other.params);
  }

  #bindParam(type: CelType, param: CelType): { fits: boolean; wasBound: boolean } {
    if (type.kind === 'param' && type.name === param.name) return { fits: true, wasBound: true };
    const bound = this.#bound.get(param.name);
    if (bound) {
      if (type.kind === bound.kind && isSameType(type, bound)) return { fits: true, wasBound: true };
      if (!this.#fits(type, bound)) return { fits: false, wasBound: true };
      const general = moreGeneral(type, bound);
      if (this.#isFreeOf(param, general)) this.#bind(param.name, general);
      return { fits: true, wasBound: true };
    }
    if (!this.#isFreeOf(param, type)) return { fits: false, wasBound: false };
    this.#bind(param.name, type);
    return { fits: true, wasBound: false };
  }

  /** A parameter must not stand for something that has itself within. */
  #isFreeOf(param: CelType, within: CelType): boolean {
    if (within.kind === 'param') {
      if (within.name === param.name) return false;
      const bound = this.#bound.get(within.name);
      return !bound || this.#isFreeOf(param, bound);
    }
    return within.params.every((each) => this.#isFreeOf(param, each));
  }
}
