// FlowSchemas and PriorityLevelConfigurations as a plan for the server's seats. Objects that say nonsense are left out.
import type { FlowSchema, PriorityLevelConfiguration } from '../../../generated/flowcontrol-v1.ts';
import { mandatory } from './bootstrap.ts';
import type { LevelSettings } from './level.ts';

export interface LevelPlan {
  readonly name: string;
  readonly uid: string;
  readonly settings: LevelSettings;
  readonly nominal: number;
  readonly lower: number;
  readonly upper: number;
  /** What one request may take. */
  readonly maxSeats: number;
}

export interface FlowPlan {
  /** By name. */
  readonly levels: ReadonlyMap<string, LevelPlan>;
  /** Those that lead somewhere, in the order they are asked. */
  readonly schemas: readonly FlowSchema[];
}

const maxSeatsFraction = 0.15;
const unlimitedSeats = 100;

export function planFlow(
  schemas: readonly FlowSchema[],
  configurations: readonly PriorityLevelConfiguration[],
  serverSeats: number,
  /** Levels that are wanted no more and not empty yet: they keep their share until then. */
  leaving: readonly PriorityLevelConfiguration[] = [],
): FlowPlan {
  const sound = configurations.filter(isSound);
  const names = new Set(sound.map(({ metadata }) => metadata.name));
  const imagined = mandatory.levels.filter(({ metadata }) => !names.has(metadata.name));
  const all = [...sound, ...imagined, ...leaving.filter(({ metadata }) => !names.has(metadata.name))];
  const shareSum = all.reduce((sum, level) => sum + sharesOf(level).shares, 0);
  const levels = new Map(all.map((level) => [level.metadata.name, planLevel(level, shareSum, serverSeats)]));
  return { levels, schemas: usable(schemas, levels) };
}

/** In the order of precedence; the mandatory ones are there whether stored or not. */
function usable(schemas: readonly FlowSchema[], levels: ReadonlyMap<string, LevelPlan>): FlowSchema[] {
  const good = schemas
    .filter(({ spec }) => levels.has(spec?.priorityLevelConfiguration.name ?? ''))
    .sort((a, b) => precedence(a) - precedence(b) || (a.metadata.name < b.metadata.name ? -1 : 1));
  const [exempt, catchAll] = mandatory.schemas as [FlowSchema, FlowSchema];
  const has = ({ metadata }: FlowSchema) => good.some((each) => each.metadata.name === metadata.name);
  return [...(has(exempt) ? [] : [exempt]), ...good, ...(has(catchAll) ? [] : [catchAll])];
}

const precedence = ({ spec }: FlowSchema) => spec?.matchingPrecedence ?? 0;

function isSound({ metadata, spec }: PriorityLevelConfiguration): boolean {
  if (!spec) return false;
  if ((spec.type === 'Limited') !== (spec.limited !== undefined)) return false;
  if ((spec.type === 'Exempt') !== (spec.exempt !== undefined)) return false;
  if ((spec.type === 'Exempt') !== (metadata.name === 'exempt')) return false;
  const response = spec.limited?.limitResponse;
  return !response || (response.type === 'Reject') === (response.queuing === undefined);
}

function sharesOf({ spec }: PriorityLevelConfiguration): { shares: number; lendable: number; borrowing?: number } {
  const { nominalConcurrencyShares: shares = 0, lendablePercent: lendable = 0 } = spec?.limited ?? spec?.exempt ?? {};
  const borrowing = spec?.limited?.borrowingLimitPercent;
  return { shares, lendable, ...(borrowing === undefined ? {} : { borrowing }) };
}

function planLevel(level: PriorityLevelConfiguration, shareSum: number, serverSeats: number): LevelPlan {
  const { shares, lendable, borrowing } = sharesOf(level);
  const nominal = shareSum > 0 ? Math.ceil((serverSeats * shares) / shareSum) : 0;
  const lends = Math.round((nominal * lendable) / 100);
  const borrows = borrowing === undefined ? serverSeats : Math.round((nominal * borrowing) / 100);
  const queuing = level.spec?.limited?.limitResponse?.queuing;
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing ?? {};
  const widest = Math.min(Math.ceil(nominal * maxSeatsFraction), Math.trunc(nominal / (handSize || 1)));
  return {
    name: level.metadata.name,
    uid: level.metadata.uid ?? '',
    settings: { isExempt: level.spec?.type === 'Exempt', queues, handSize, queueLengthLimit },
    nominal,
    lower: nominal - lends,
    upper: nominal + borrows,
    maxSeats: queuing ? Math.max(1, widest) : unlimitedSeats,
  };
}
