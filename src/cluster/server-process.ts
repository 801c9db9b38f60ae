// The detached server: runs the cluster, tells its parent of each step, and stops on SIGTERM, also in the middle of a start.
import { setFlagsFromString } from 'node:v8';
import { shrinkAtRest } from '../base/rest.ts';
import { exitCodes, UserFailure } from './failure.ts';
import { startServer } from './server.ts';
import { raiseOwnSession } from './session-priority.ts';
import type { Progress, UpOptions } from './settings/up-options.ts';

// The size this process was given for its young generation is for this thread, which has it by now. As a flag it would
// overrule the limits of the others, which are smaller.
setFlagsFromString('--max-semi-space-size=0');

shrinkAtRest();
raiseOwnSession();

const options = JSON.parse(process.argv[2]!) as UpOptions;
const tell = (progress: Progress) => process.connected && process.send?.(progress);

// The parent leaves when we are ready, or when it loses patience: neither is a reason to end.
process.on('disconnect', () => {});

const starting = startServer(options, tell);
const stop = () => {
  void starting.then((server) => server.stop()).finally(() => process.exit(0));
};
process.once('SIGTERM', stop);
process.once('SIGINT', stop);

starting.catch((error) => {
  const failure = error instanceof UserFailure ? error : unexpected(error);
  if (failure !== error) process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  const { exitCode, code, message, remedy } = failure;
  tell({ type: 'failed', exitCode, code, message, remedy });
  setTimeout(() => process.exit(exitCode), 50); // lets the message leave
});

function unexpected(error: unknown): UserFailure {
  const message = error instanceof Error ? error.message : String(error);
  return new UserFailure(exitCodes.internal, 'E_INTERNAL', message, 'see server.log in the data directory');
}
