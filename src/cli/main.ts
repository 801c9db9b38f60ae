// The command line: one command a file. Nothing heavy is imported before the command is known.
import { Command } from 'commander';
import { exitCodes, UserFailure } from '../cluster/failure.ts';
import { commands } from './commands/index.ts';

// `coracle logs | head` ends the reader first: that is an ordinary end.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? 0 : exitCodes.internal),
);

const program = new Command('coracle')
  .description('Kubernetes you can carry')
  .showHelpAfterError('(see: coracle --help)')
  .configureHelp({ sortSubcommands: false });
for (const command of commands) program.addCommand(command);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof UserFailure) {
    process.stderr.write(`coracle: ${error.message} (${error.code})\n  to mend it: ${error.remedy}\n`);
    process.exitCode = error.exitCode;
  } else {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    process.stderr.write(`coracle: ${process.env['CORACLE_DEBUG'] ? stack : message} (E_INTERNAL)\n`);
    process.stderr.write('  to mend it: try again; CORACLE_DEBUG=1 tells where it happened, coracle logs the rest\n');
    process.exitCode = exitCodes.internal;
  }
}
