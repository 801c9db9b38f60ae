import pc from 'picocolors';
import { coracleVersion, kubernetesVersion } from '../base/version.ts';
import type { Progress, Report } from '../cluster/settings/up-options.ts';

/** Prints each step of `up` with its time, and at the end what to type next. */
export function printSteps(): Report {
  console.log(
    `\ncoracle ${coracleVersion}  ·  Kubernetes ${kubernetesVersion.slice(0, kubernetesVersion.lastIndexOf('.'))} API`,
  );
  return (progress) => console.log(render(progress));
}

function render(progress: Progress): string {
  switch (progress.type) {
    case 'step':
      return `  ${progress.name.padEnd(12)} ${progress.text.padEnd(60)} ${pc.dim(`${Math.round(progress.ms)} ms`.padStart(8))}`;
    case 'notice':
      return `  ${pc.yellow('note')}         ${progress.text}`;
    case 'ready': {
      const total = `${(progress.ms / 1000).toFixed(1)} s · ${Math.round(progress.rssBytes / 2 ** 20)} MiB`;
      return [
        pc.green(`Ready in ${total}`),
        '',
        // A machine that joined has no kubeconfig.
        ...(progress.context ? ['  kubectl get nodes        the cluster, with your own kubectl'] : []),
        '  coracle status           what runs, and where',
        '  coracle down             stop it; the state is kept',
        '',
      ].join('\n');
    }
    case 'failed':
      return `  ${pc.red('✗')} ${progress.message}  ${progress.code}`;
  }
}
