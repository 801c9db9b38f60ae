// The process's own figures. Loaded and begun when somebody first asks for metrics: watching the event loop costs a timer.
import { createHistogram, type Histogram, monitorEventLoopDelay, type RecordableHistogram } from 'node:perf_hooks';
import promClient from 'prom-client';

export interface ProcessMetrics {
  print(): Promise<string>;
}

const resolutionMs = 10;
const quantiles = [0.5, 0.9, 0.99, 0.999];

export function createProcessMetrics(): ProcessMetrics {
  const registry = new promClient.Registry();
  promClient.collectDefaultMetrics({ register: registry });
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  const worked = createHistogram();
  watchWork(worked);

  return {
    async print() {
      const lines = [
        // What is measured is from one tick to the next: the tick itself is no delay.
        ...gauge(
          'coracle_event_loop_delay_seconds',
          'How late the event loop came since these figures were last read.',
          delay,
          resolutionMs,
        ),
        ...gauge(
          'coracle_event_loop_work_seconds',
          'How late it came by its own work, in processor time: what is more than this is the machine’s doing.',
          worked,
          0,
        ),
      ];
      delay.reset();
      worked.reset();
      return `${lines.join('\n')}\n${await registry.metrics()}`;
    },
  };
}

function gauge(name: string, help: string, of: Histogram, lessMs: number): string[] {
  const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - lessMs / 1000).toFixed(6);
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...quantiles.map((each) => `${name}{quantile="${each}"} ${seconds(of.percentile(each * 100))}`),
    `${name}{quantile="1"} ${seconds(of.count === 0 ? 0 : of.max)}`,
  ];
}

/** Compares what each tick took of the clock with what this thread took of the processor. */
function watchWork(worked: RecordableHistogram): void {
  const processorMs = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let [before, processorBefore] = [performance.now(), processorMs()];
  setInterval(() => {
    const [now, processor] = [performance.now(), processorMs()];
    const lateMs = Math.min(now - before, processor - processorBefore) - resolutionMs;
    worked.record(Math.max(1, Math.round(lateMs * 1e6)));
    [before, processorBefore] = [now, processor];
  }, resolutionMs).unref();
}
