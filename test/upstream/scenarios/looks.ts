// Looking at the cluster in the words of a recording.
import { canonical, sorted } from './names.ts';
import { matches, pick } from './paths.ts';
import type { Json, Look } from './scenario.ts';
import type { Stage } from './stage.ts';

/** An object's fields (null when it is absent), or a sorted list. */
export async function look(stage: Stage, wanted: Look): Promise<Json> {
  const namespace = wanted.namespace ?? stage.namespace;
  if (wanted.events) return events(stage, wanted, namespace);
  const read = (object: Json, fields: readonly string[]) => stage.names.value(pick(object, fields), wanted.ordered);
  if (wanted.get && wanted.name) {
    const { get: resource, name, subresource } = wanted;
    const { code, body } = await stage.api.request(
      'GET',
      await stage.api.path({ resource, namespace, name, subresource }),
    );
    if (code === 404) return null;
    if (code !== 200) throw new Error(`GET ${resource} ${name}: ${code} ${body.message}`);
    return read(body, wanted.fields ?? Object.keys(wanted.equals ?? {}));
  }
  const { selector, fieldSelector } = wanted;
  const query = new URLSearchParams({
    ...(selector && { labelSelector: selector }),
    ...(fieldSelector && { fieldSelector }),
  });
  const path = await stage.api.path({ resource: (wanted.list ?? wanted.get)!, namespace });
  const { items } = await stage.api.must('GET', `${path}?${query}`);
  const fitting = (items as Json[]).filter((item) => matches(item, wanted.where));
  return sorted(fitting.map((item) => read(item, wanted.fields ?? ['metadata.name'])));
}

/** Each once, without counts and times. */
async function events(stage: Stage, { of, kinds, reasons, without }: Look, namespace: string): Promise<Json> {
  const { items } = await stage.api.must('GET', `/api/v1/namespaces/${namespace}/events`);
  const { names } = stage;
  const isMeant = ({ involvedObject, reason }: Json) =>
    (!of || names.text(involvedObject.name) === names.text(of)) &&
    (!kinds || kinds.includes(involvedObject.kind)) &&
    (!reasons || reasons.includes(reason)) &&
    !without?.includes(reason);
  const said = (items as Json[]).filter(isMeant).map((event) => {
    const { involvedObject, reason, type, message, source, reportingComponent } = event;
    const from = source?.component || reportingComponent;
    return canonical(names.value({ kind: involvedObject.kind, type, reason, message, from }));
  });
  return [...new Set(said)].sort().map((text) => JSON.parse(text));
}

/** Everything a step records, by label. */
export async function lookAtAll(stage: Stage, what: Readonly<Record<string, Look>>): Promise<Json> {
  await stage.learn();
  const seen: Record<string, Json> = {};
  for (const [label, wanted] of Object.entries(what)) seen[label] = await look(stage, wanted);
  return JSON.parse(JSON.stringify(seen));
}

/** Lines that say where two values differ: `-` was expected, `+` seen. */
export function changes(expected: Json, seen: Json, path = ''): string[] {
  if (canonical(expected) === canonical(seen)) return [];
  if (Array.isArray(expected) && Array.isArray(seen)) return listChanges(expected, seen, path);
  const areObjects = [expected, seen].every((each) => each && typeof each === 'object' && !Array.isArray(each));
  if (!areObjects) return [`${path}: - ${canonical(expected)} + ${canonical(seen)}`];
  const keys = new Set([...Object.keys(expected), ...Object.keys(seen)]);
  return [...keys].flatMap((key) => changes(expected[key], seen[key], path ? `${path} › ${key}` : key));
}

function listChanges(expected: readonly Json[], seen: readonly Json[], path: string): string[] {
  if (expected.length === seen.length) {
    return expected.flatMap((item, index) => changes(item, seen[index], `${path}[${index}]`));
  }
  const rest = seen.map(canonical);
  const missing = expected.map(canonical).filter((item) => {
    const at = rest.indexOf(item);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
  return [...missing.map((item) => `${path}[]: - ${item}`), ...rest.map((item) => `${path}[]: + ${item}`)];
}
