// The process's own figures. Loaded and begun when somebody first asks for metrics: watching the event loop costs a timer.
import { monitorEventLoopDelay } from 'node:perf_hooks';
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
  // What is measured is from one tick to the next: the tick itself is no delay.
  const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000).toFixed(6);

  return {
    async print() {
      const name = 'coracle_event_loop_delay_seconds';
      const lines = [
        `# HELP ${name} How late the event loop came since these figures were last read.`,
        `# TYPE ${name} gauge`,
        ...quantiles.map((each) => `${name}{quantile="${each}"} ${seconds(delay.percentile(each * 100))}`),
        `${name}{quantile="1"} ${seconds(delay.max)}`,
      ];
      delay.reset();
      return `${lines.join('\n')}\n${await registry.metrics()}`;
    },
  };
}
