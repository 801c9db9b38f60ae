import type { Command } from 'commander';
import { addonsCommand } from './addons.ts';
import { completionCommand } from './completion.ts';
import { deleteCommand } from './delete.ts';
import { downCommand } from './down.ts';
import { encryptionCommand } from './encryption.ts';
import { imageCommand } from './image.ts';
import { joinCommand } from './join.ts';
import { kubeconfigCommand } from './kubeconfig.ts';
import { logsCommand } from './logs.ts';
import { nodeCommand } from './node.ts';
import { resetCommand } from './reset.ts';
import { snapshotCommand } from './snapshot.ts';
import { statusCommand } from './status.ts';
import { testAssetsCommand } from './test-assets.ts';
import { tokenCommand } from './token.ts';
import { upCommand } from './up.ts';
import { versionCommand } from './version.ts';

export const commands: readonly Command[] = [
  upCommand,
  statusCommand,
  downCommand,
  deleteCommand,
  kubeconfigCommand,
  logsCommand,
  imageCommand,
  addonsCommand,
  nodeCommand,
  tokenCommand,
  resetCommand,
  joinCommand,
  snapshotCommand,
  encryptionCommand,
  testAssetsCommand,
  versionCommand,
  completionCommand,
];
