// Binds the patch formats of schema/ to a request.
import type { KubernetesObject } from '../../api/meta/object.ts';
import { badRequest, entityTooLarge, invalid, StatusError, tooManyRequests } from '../../api/meta/status-error.ts';
import type { Steps } from '../../base/turns.ts';
import { checkLargePatch, isLargeJson, TasksBusyError } from '../../schema/body-thread.ts';
import { canonical, canonicalStrictSteps, DecodeError, decodeJson } from '../../schema/codec.ts';
import { convertProblem } from '../../schema/convert-problem.ts';
import { copyJson } from '../../schema/copy-json.ts';
import { jsonPatchSteps } from '../../schema/json-patch.ts';
import { applyMergePatch } from '../../schema/merge-patch.ts';
import { decodeJsonPatch, decodeMergePatch } from '../../schema/patch-body.ts';
import { goPrint, PatchError } from '../../schema/patch-error.ts';
import { goJson, inPatchedOrder, openedByMerge } from '../../schema/patched-text.ts';
import { applyStrategicMerge } from '../../schema/strategic-merge.ts';
import type { Patch } from './patch-type.ts';

type Apply = (current: KubernetesObject, typeName: string) => Steps<unknown>;

/** What is one step. */
const step = (apply: (current: KubernetesObject, typeName: string) => unknown): Apply =>
  // biome-ignore lint/correctness/useYield: there is nothing in between
  function* (current, typeName) {
    return apply(current, typeName);
  };

/** What is large and no patch costs others nothing. @throws StatusError */
export async function checkPatch(type: 'json' | 'merge' | 'strategic', body: Uint8Array): Promise<void> {
  if (!isLargeJson(body)) return;
  try {
    await checkLargePatch(body, type === 'json');
  } catch (error) {
    if (error instanceof TasksBusyError) throw tooManyRequests(error.message, 1);
    translated(() => {
      throw type === 'strategic' ? asStrategic(error) : error;
    });
  }
}

/** @throws StatusError for what is no patch */
export function compilePatch(type: 'json' | 'merge' | 'strategic', body: Uint8Array): Patch {
  return translated(() => {
    if (type === 'json') {
      const { patch, strictErrors } = decodeJsonPatch(body);
      const namesVersion = patch.some(
        ({ path }) => path === '/metadata/resourceVersion' || path === '/metadata' || path === '',
      );
      let opened = new Set<object>();
      const apply: Apply = (current) => {
        opened = new Set();
        return jsonPatchSteps(current, patch, opened);
      };
      return bind(type, namesVersion, strictErrors, apply, (patched) => inPatchedOrder(patched, opened));
    }
    if (type === 'strategic') return compileStrategic(body);
    const { patch, strictErrors } = decodeMergePatch(body);
    const apply = step((current) => applyMergePatch(current, patch));
    const ordered: Order = (patched) => inPatchedOrder(patched, openedByMerge(patched, patch));
    return bind(type, hasVersion(patch), strictErrors, apply, ordered);
  });
}

const hasVersion = (patch: Record<string, unknown>): boolean =>
  Boolean((patch['metadata'] as { resourceVersion?: unknown } | null | undefined)?.resourceVersion);

const unchanged = step((current) => current);

/** With space around it. Of another body no more than its beginning is read. */
const isNull = (body: Uint8Array): boolean =>
  body.find((byte) => byte > 0x20) === 0x6e && Buffer.from(body).toString('latin1').trim() === 'null';

/** Of another kind or version, it is applied all the same; nothing changes nothing. */
function compileStrategic(body: Uint8Array): Patch {
  if (isNull(body)) return bind('strategic', false, [], unchanged, asItIs);
  try {
    const { patch, strictErrors } = decodeMergePatch(body);
    const { kind, apiVersion, ...rest } = patch;
    let left: typeof patch = rest;
    const apply = step((current, typeName) => {
      left = copyJson(rest);
      return applyStrategicMerge(typeName, current, left);
    });
    // What is left of the patch is quoted, not what it has made.
    const refuse: Refuse = (typeName, patched, problem) => {
      const found = convertProblem(typeName, patched as Record<string, unknown>);
      const says = {
        ...left,
        ...(kind === undefined ? {} : { kind }),
        ...(apiVersion === undefined ? {} : { apiVersion }),
      };
      const inWords = problem
        .replace(/Go struct field \S+ of type/, 'Go value of type')
        .replace(/^illegal base64/, 'error decoding from json: illegal base64');
      return unreadable(goPrint(says), found ?? inWords);
    };
    return bind('strategic', hasVersion(patch), strictErrors, apply, asItIs, refuse);
  } catch (error) {
    throw asStrategic(error);
  }
}

/** Upstream names no patch when one of these can not be read. */
function asStrategic(error: unknown): unknown {
  if (!(error instanceof PatchError)) return error;
  return new PatchError(error.code, error.message.replace(/^error decoding patch: /, ''));
}

type Order = (patched: unknown) => unknown;

const asItIs: Order = (patched) => patched;

type Refuse = (typeName: string, patched: unknown, problem: string) => StatusError;

/** `patched` is in the order in which upstream writes it. */
const quoteObject: Refuse = (typeName, patched, problem) => {
  const text = goJson(patched);
  return unreadable(
    text,
    problemOf(typeName, text, problem).replace(typeProblem, "couldn't get version/kind; json parse error: $1 .$2"),
  );
};

/** The first in the text. */
function problemOf(typeName: string, text: string, otherwise: string): string {
  try {
    decodeJson(typeName, text, { strict: false });
    return otherwise;
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
}

/** What an object says it is is read before the object. */
const typeProblem = /^(json: cannot unmarshal \w+ into Go struct field) \w+\.TypeMeta\.(\w+)/;

function bind(
  type: Patch['type'],
  namesVersion: boolean,
  bodyErrors: readonly string[],
  apply: Apply,
  order: Order,
  refuse = quoteObject,
): Patch {
  return {
    type,
    namesVersion,
    *apply(current, typeName, { strict, seen } = { strict: false }) {
      const patched = yield* translatedSteps(apply(current, typeName));
      seen?.(patched, () => goJson(order(patched)));
      yield;
      try {
        if (!strict) return { object: canonical<KubernetesObject>(typeName, patched), strictErrors: [] };
        const { object, strictErrors } = yield* canonicalStrictSteps<KubernetesObject>(typeName, patched);
        return { object, strictErrors: [...bodyErrors, ...strictErrors] };
      } catch (error) {
        if (error instanceof DecodeError) throw refuse(typeName, order(patched), error.message);
        throw error;
      }
    },
  };
}

/** The patched object is none of its type: upstream quotes `shown`, in an error about nothing in particular. */
export function unreadable(shown: string, problem: string): StatusError {
  const message = `Invalid value: ${JSON.stringify(shown)}: ${problem}`;
  const error = invalid({ group: '', name: '' }, '', `patch: ${message}`, [
    { reason: 'FieldValueInvalid', message, field: 'patch' },
  ]);
  error.status.details = { causes: error.status.details!.causes! };
  return error;
}

function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translation(error);
  }
}

function* translatedSteps<T>(work: Steps<T>): Steps<T> {
  try {
    return yield* work;
  } catch (error) {
    throw translation(error);
  }
}

function translation(error: unknown): unknown {
  if (error instanceof PatchError) return statusOf(error);
  if (error instanceof DecodeError) return badRequest(`error decoding patch: ${error.message}`);
  return error;
}

function statusOf({ code, message }: PatchError): StatusError {
  if (code === 400) return badRequest(message);
  if (code === 413) return entityTooLarge(message);
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' };
  if (code === 500) return new StatusError({ ...status, message, code });
  return new StatusError({
    ...status,
    message: 'the server rejected our request due to an error in our request',
    reason: 'Invalid',
    details: {},
    code,
  });
}
