// What is done to a large body in a thread of its own: it is read and judged there, so that what is bad, or made to be
// slow, costs others nothing. What comes back is text that is known to be good and quick to parse.
import { YamlError } from '../base/yaml.ts';
import { type YamlAsJson, yamlToJson } from '../base/yaml-json.ts';
import { decodeJsonBody, type KindInBody, kindOfJson, stringify } from './codec.ts';
import { DecodeError, type DecodeFailure } from './limits.ts';
import { decodeJsonPatch, decodeMergePatch } from './patch-body.ts';
import { PatchError } from './patch-error.ts';
import { applyBodyAsJson } from './yaml-body.ts';

export type BodyTask =
  | { readonly type: 'yaml'; readonly text: string }
  /** `types`: schema types by `APIVERSION/KIND`; a body of another kind is only looked at. */
  | { readonly type: 'object'; readonly body: Uint8Array; readonly types: TypesByKind; readonly strict: boolean }
  | { readonly type: 'patch'; readonly body: Uint8Array; readonly isOperations: boolean }
  | { readonly type: 'apply'; readonly body: Uint8Array };

/** '' stands for what a body leaves out. */
export type TypesByKind = ReadonlyMap<string, string>;

export interface DecodedText extends KindInBody {
  /** Canonical; undefined when the body is none of the kinds. */
  readonly json?: string;
  /** Some number in it may be beyond 2^53. */
  readonly hasBigIntegers: boolean;
  readonly strictErrors: string[];
}

export type BodyVerdict =
  | { readonly type: 'yaml'; readonly result: YamlAsJson }
  | { readonly type: 'object'; readonly result: DecodedText }
  | { readonly type: 'patch' }
  | { readonly type: 'apply'; readonly json: string }
  | { readonly type: 'bad yaml'; readonly problem: string }
  | { readonly type: 'bad patch'; readonly code: PatchError['code']; readonly message: string }
  | {
      readonly type: 'undecodable';
      readonly failure: DecodeFailure;
      readonly message: string;
      readonly says: { apiVersion?: string; kind?: string };
    };

export function judgeBody(task: BodyTask): BodyVerdict {
  try {
    return judge(task);
  } catch (error) {
    if (error instanceof YamlError) return { type: 'bad yaml', problem: error.message };
    if (error instanceof PatchError) return { type: 'bad patch', code: error.code, message: error.message };
    if (!(error instanceof DecodeError)) throw error;
    const { failure, message, apiVersion, kind } = error;
    const says = { ...(apiVersion === undefined ? {} : { apiVersion }), ...(kind === undefined ? {} : { kind }) };
    return { type: 'undecodable', failure, message, says };
  }
}

function judge(task: BodyTask): BodyVerdict {
  switch (task.type) {
    case 'yaml':
      return { type: 'yaml', result: yamlToJson(task.text) };
    case 'object':
      return { type: 'object', result: decodeObject(task) };
    case 'patch':
      if (task.isOperations) decodeJsonPatch(task.body);
      else decodeMergePatch(task.body);
      return { type: 'patch' };
    case 'apply':
      return { type: 'apply', json: applyBodyAsJson(task.body) };
  }
}

class OtherKind extends Error {}

/** Where a number may stand; in a text it does no harm. */
const manyDigits = /[:,[]-?[0-9]{16}/;

function decodeObject({ body, types, strict }: BodyTask & { type: 'object' }): DecodedText {
  const typeOf = ({ apiVersion, kind }: KindInBody): string => {
    const typeName = types.get(`${apiVersion}/${kind}`);
    if (typeName === undefined) throw new OtherKind();
    return typeName;
  };
  try {
    const { object, strictErrors, apiVersion, kind } = decodeJsonBody(body, typeOf, { strict });
    const json = stringify(types.values().next().value!, object);
    return { json, hasBigIntegers: manyDigits.test(json), strictErrors, apiVersion, kind };
  } catch (error) {
    if (!(error instanceof OtherKind)) throw error;
    return { ...kindOfJson(body), hasBigIntegers: false, strictErrors: [] };
  }
}
