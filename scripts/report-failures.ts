// A reporter of node:test that keeps only what failed: said again at the end, where somebody who reads the last lines finds it.
import type { TestEvent } from 'node:test/reporters';

/** One line a failed test: its file, its name, the first line of its error. Suites that failed only by their tests are left out. */
export default async function* reportFailures(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type !== 'test:fail' || event.data.skip !== undefined || event.data.todo !== undefined) continue;
    const { name, file, line, details } = event.data;
    const error = details.error as Error & { failureType?: string; cause?: unknown };
    if (error.failureType === 'subtestsFailed') continue;
    const cause = error.cause instanceof Error ? error.cause.message : String(error.cause ?? error.message);
    yield `${file ?? ''}:${line ?? ''} ${name}: ${cause.split('\n').slice(0, 3).join(' ').slice(0, 400)}\n`;
  }
}
