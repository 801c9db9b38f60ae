// What /debug/api_priority_and_fairness/ shows: tables of levels, queues and requests, as of now.
import type { ExtraPath } from '../discovery/discovery.ts';
import { textAnswer } from '../http/answer.ts';
import type { FlowControl } from './flow-control.ts';
import type { Ticket } from './ticket.ts';

const root = '/debug/api_priority_and_fairness';

/** `epochMs`: of the clock's monotonic zero. */
export function dumpPaths(flow: FlowControl, epochMs: () => number): ExtraPath[] {
  const table = (path: string, rows: (query: URLSearchParams) => string[][]): ExtraPath => ({
    path: `${root}/${path}`,
    isUnlisted: true,
    answer: ({ url }) => textAnswer(200, align(rows(new URLSearchParams(url.split('?')[1] ?? '')))),
  });
  return [
    table('dump_priority_levels', () => levelRows(flow)),
    table('dump_queues', () => queueRows(flow)),
    table('dump_requests', (query) => requestRows(flow, Boolean(query.get('includeRequestDetails')), epochMs())),
  ];
}

/** Cells end with a comma, and columns are as wide as their widest cell, eight at least. */
function align(rows: readonly string[][]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 8, cell.length + 2);
    });
  }
  const line = (row: readonly string[]) =>
    row.map((cell, index) => (index === row.length - 1 ? cell : `${cell},`.padEnd(widths[index]!))).join('');
  return rows.map((row) => `${line(row)}\n`).join('');
}

const levelHeads =
  'PriorityLevelName ActiveQueues IsIdle IsQuiescing WaitingRequests ExecutingRequests DispatchedRequests RejectedRequests TimedoutRequests CancelledRequests';

function levelRows({ plan, levels }: FlowControl): string[][] {
  const rows = [...levels.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((level) => {
      const { dispatched, rejected, timedOut, cancelled } = level.counts;
      const active = level.queues.filter((queue) => queue && queue.waiting.length > 0).length;
      const counts = [level.waiting, level.executing.size, dispatched, rejected, timedOut, cancelled];
      return [level.name, active, level.isIdle, !plan.levels.has(level.name), ...counts].map(String);
    });
  return [levelHeads.split(' '), ...rows];
}

const queueHeads =
  'PriorityLevelName Index PendingRequests ExecutingRequests SeatsInUse NextDispatchR InitialSeatsSum MaxSeatsSum TotalWorkSum';

function queueRows({ levels }: FlowControl): string[][] {
  const rows: string[][] = [queueHeads.split(' ')];
  for (const level of levels.values()) {
    for (let index = 0; index < level.settings.queues; index++) {
      const queue = level.queues[index];
      const waiting = queue?.waiting ?? [];
      const initial = waiting.reduce((sum, { init }) => sum + init.work.initialSeats, 0);
      const counts = [index, waiting.length, queue?.executing.size ?? 0, queue?.executingSeats ?? 0];
      const next = seatSeconds(queue?.nextStart ?? 0);
      const sums = [initial, queue?.waitingSeats ?? 0].map(String);
      rows.push([level.name, ...counts.map(String), next, ...sums, seatSeconds((queue?.waitingSeats ?? 0) * 0.003)]);
    }
  }
  return rows;
}

const seatSeconds = (value: number) => `${value.toFixed(8)}ss`;

const requestHeads =
  'PriorityLevelName FlowSchemaName QueueIndex RequestIndexInQueue FlowDistingsher ArriveTime InitialSeats FinalSeats AdditionalLatency StartTime';
const detailHeads = 'UserName Verb APIPath Namespace Name APIVersion Resource SubResource';

function requestRows({ levels }: FlowControl, withDetails: boolean, epochMs: number): string[][] {
  const heads = [requestHeads, ...(withDetails ? [detailHeads] : [])].join(' ').split(' ');
  const time = (ms: number) => (ms === 0 ? '0001-01-01T00:00:00Z' : new Date(epochMs + ms).toISOString());
  const row = (ticket: Ticket, place: number) => {
    const { init, level, queue, startedMs, extraMs } = ticket;
    const { schema, distinguisher, work, user, info } = init;
    const cells = [level.name, schema, queue?.index ?? -1, place, distinguisher, time(init.nowMs)];
    cells.push(work.initialSeats, work.finalSeats, extraMs === 0 ? '0s' : `${extraMs}ms`, time(startedMs));
    if (!withDetails) return cells.map(String);
    const version = info.group ? `${info.group}/${info.version}` : info.version;
    const { verb, path, namespace, name, resource, subresource } = info;
    return [...cells, user.username, verb, path, namespace, name, version, resource, subresource].map(String);
  };
  const rows = [...levels.values()].flatMap((level) => [
    ...level.queues.flatMap((queue) => queue.waiting.map(row)),
    ...[...level.executing].map((ticket) => row(ticket, -1)),
  ]);
  return [heads, ...rows];
}
