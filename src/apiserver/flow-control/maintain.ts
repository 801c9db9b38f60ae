// Keeps the objects of flow control: makes what every cluster has, mends it, and says of each FlowSchema whether it leads
// anywhere.
import type { FlowSchema, FlowSchemaCondition, PriorityLevelConfiguration } from '../../../generated/flowcontrol-v1.ts';
import { flowSchemaKind, priorityLevelConfigurationKind } from '../../../generated/kinds.ts';
import type { KindRef } from '../../api/meta/object.ts';
import { type Clock, rfc3339 } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { ApiServer } from '../server.ts';
import { autoUpdateAnnotation, mandatory, suggested } from './bootstrap.ts';

export interface MaintenanceOptions {
  readonly server: Pick<ApiServer, 'handleInProcess' | 'registry'>;
  readonly clock: Clock;
  readonly log: Logger;
}

type Configured = FlowSchema | PriorityLevelConfiguration;

const producer = 'api-priority-and-fairness-config-producer-v1';
const consumer = 'api-priority-and-fairness-config-consumer-v1';

/** Go's ParseBool. */
function parseBoolean(text: string | undefined): boolean | undefined {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text ?? '')) return true;
  return /^(?:0|f|F|false|FALSE|False)$/.test(text ?? '') ? false : undefined;
}

const ownUser = { username: 'system:apiserver', groups: ['system:masters'] };
/** Somebody else was quicker: it is looked at again next time. */
const lostRaces = new Set([404, 409]);

const pathOf = ({ group, version, plural }: KindRef<any>, name?: string) =>
  `/apis/${group}/${version}/${plural}${name ? `/${name}` : ''}`;

async function ask(
  server: MaintenanceOptions['server'],
  method: string,
  path: string,
  body?: unknown,
  contentType = 'application/json',
): Promise<void> {
  const answer = await server.handleInProcess(ownUser, {
    method,
    path,
    headers: { 'content-type': contentType },
    ...(body ? { body: Buffer.from(JSON.stringify(body)) } : {}),
  });
  const content = await answer.bytes();
  if (answer.status < 300 || lostRaces.has(answer.status)) return;
  throw new Error(`${method} ${path}: ${answer.status} ${Buffer.from(content).toString()}`);
}

/** Creates what is missing, puts back what may not be changed, removes what earlier versions had. */
export async function ensureConfiguration(options: MaintenanceOptions): Promise<void> {
  const schemas = [...suggested.schemas, ...mandatory.schemas];
  const levels = [...suggested.levels, ...mandatory.levels];
  const isMandatory = (object: Configured) =>
    [...mandatory.schemas, ...mandatory.levels].includes(object as FlowSchema);
  await Promise.all(levels.map((each) => ensure(options, priorityLevelConfigurationKind, each, isMandatory(each))));
  await Promise.all(schemas.map((each) => ensure(options, flowSchemaKind, each, isMandatory(each))));
  await removeUnwanted(options, flowSchemaKind, schemas);
  await removeUnwanted(options, priorityLevelConfigurationKind, levels);
}

async function ensure<T extends Configured>(
  { server }: MaintenanceOptions,
  kind: KindRef<T>,
  wanted: T,
  isMandatory: boolean,
): Promise<void> {
  const current = server.registry.find(kind, '', wanted.metadata.name);
  const query = `?fieldManager=${producer}`;
  if (!current) return ask(server, 'POST', pathOf(kind) + query, wanted);
  const next = revise(current, wanted, isMandatory);
  if (next) await ask(server, 'PUT', `${pathOf(kind, wanted.metadata.name)}${query}`, next);
}

/** Undefined: nothing to change. */
export function revise<T extends Configured>(current: T, wanted: T, isMandatory: boolean): T | undefined {
  const { annotations, generation } = current.metadata;
  const annotated = parseBoolean(annotations?.[autoUpdateAnnotation]);
  // One that nobody has touched yet is ours, annotation or not.
  const isOurs = isMandatory || (annotated ?? generation === 1);
  const isSpecChanged = isOurs && sorted(current.spec) !== sorted(wanted.spec);
  if (annotated === isOurs && !isSpecChanged) return undefined;
  const metadata = { ...current.metadata, annotations: { ...annotations, [autoUpdateAnnotation]: String(isOurs) } };
  return { ...current, metadata, spec: isSpecChanged ? wanted.spec : current.spec };
}

const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, inner) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

async function removeUnwanted<T extends Configured>(
  { server }: MaintenanceOptions,
  kind: KindRef<T>,
  wanted: readonly Configured[],
): Promise<void> {
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  for (const { metadata } of server.registry.list(kind)) {
    if (names.has(metadata.name) || parseBoolean(metadata.annotations?.[autoUpdateAnnotation]) !== true) continue;
    await ask(server, 'DELETE', pathOf(kind, metadata.name));
  }
}

/** The condition a FlowSchema should have, when it has another. */
export function danglingCondition(
  { spec, status }: FlowSchema,
  levelExists: boolean,
  nowMs: number,
): FlowSchemaCondition | undefined {
  const level = JSON.stringify(spec?.priorityLevelConfiguration.name ?? '');
  const reference = `This FlowSchema references the PriorityLevelConfiguration object named ${level}`;
  const wanted = levelExists
    ? { status: 'False', reason: 'Found', message: `${reference} and it exists` }
    : { status: 'True', reason: 'NotFound', message: `${reference} but there is no such object` };
  const current = status?.conditions?.find(({ type }) => type === 'Dangling');
  const isRight = (['status', 'reason', 'message'] as const).every((field) => current?.[field] === wanted[field]);
  if (isRight) return undefined;
  return { type: 'Dangling', ...wanted, lastTransitionTime: rfc3339(nowMs) };
}

/** `exists`: whether a level of that name is in use; mandatory ones are even when they are not stored. */
export async function markDangling(
  { server, clock }: MaintenanceOptions,
  exists: (level: string) => boolean,
): Promise<void> {
  await Promise.all(
    server.registry.list(flowSchemaKind).map(async (schema) => {
      const level = schema.spec?.priorityLevelConfiguration.name ?? '';
      const condition = danglingCondition(schema, exists(level), clock.now());
      if (!condition) return;
      const { apiVersion, kind, metadata } = schema;
      const patch = { apiVersion, kind, metadata: { name: metadata.name }, status: { conditions: [condition] } };
      const path = `${pathOf(flowSchemaKind, metadata.name)}/status?force=true&fieldManager=${consumer}`;
      await ask(server, 'PATCH', path, patch, 'application/apply-patch+yaml');
    }),
  );
}
