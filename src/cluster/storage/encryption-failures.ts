// What a person can mend about encryption at rest.
import type { KeyServiceError } from '../../store/encryption/sealer.ts';
import { exitCodes, UserFailure } from '../failure.ts';
import type { EncryptionFile } from './encryption-file.ts';

export function serviceFailed({ message }: KeyServiceError): UserFailure {
  const remedy = 'start the key service first; the socket is named in the encryption configuration';
  return new UserFailure(exitCodes.notRunning, 'E_KEY_SERVICE', message, remedy);
}

export function nothingToReload(): UserFailure {
  return new UserFailure(
    exitCodes.usage,
    'E_ENCRYPTION_CONFIG',
    '--encryption-provider-config-automatic-reload must be set with --encryption-provider-config',
    'name the file; the cluster’s own keys are changed with: coracle encryption rotate',
  );
}

export function wouldLoseKeys({ path }: EncryptionFile, { message }: Error): UserFailure {
  return new UserFailure(
    exitCodes.conflict,
    'E_UNREADABLE',
    `with the encryption configuration ${path} not everything could be read: ${message}`,
    'bring back the key it was sealed with, after the one that writes; then run: coracle encryption rewrite',
  );
}

export function notOurs({ path }: EncryptionFile): UserFailure {
  return new UserFailure(
    exitCodes.usage,
    'E_ENCRYPTION_CONFIG',
    `the keys are in ${path}, which is not this cluster's own file`,
    'put a new key in front there, then run: coracle encryption rewrite',
  );
}

export function notAlone({ path }: EncryptionFile): UserFailure {
  return new UserFailure(
    exitCodes.conflict,
    'E_ENCRYPTION_CONFIG',
    'other servers may use this etcd, and must know a key before anything is written with it',
    `put a new key second in ${path} of each, restart them, put it first, restart them; then: coracle encryption rewrite`,
  );
}
