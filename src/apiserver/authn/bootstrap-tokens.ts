// Machines that are about to join: `Authorization: Bearer ID.SECRET` of a bootstrap token that is for this.
import { timingSafeEqual } from 'node:crypto';
import { secretKind } from '../../../generated/kinds.ts';
import {
  bootstrappersGroup,
  bootstrapTokenName,
  bootstrapTokenNamespace,
  bootstrapTokenOf,
  isExpired,
  parseBootstrapToken,
} from '../../api/core/bootstrap-token.ts';
import type { Clock } from '../../base/clock.ts';
import type { ObjectReader } from '../registry/object-reader.ts';
import type { Authenticator } from './authenticator.ts';

export function bootstrapTokenAuthenticator(objects: Pick<ObjectReader, 'find'>, clock: Clock): Authenticator {
  return {
    async authenticate({ bearerToken = '' }) {
      const asked = parseBootstrapToken(bearerToken);
      if (!asked) return undefined;
      const secret = objects.find(secretKind, bootstrapTokenNamespace, bootstrapTokenName(asked.id));
      const token = secret && !secret.metadata.deletionTimestamp ? bootstrapTokenOf(secret) : undefined;
      if (!token || isExpired(token, clock.now()) || !token.usages.includes('authentication')) return undefined;
      if (!timingSafeEqual(Buffer.from(token.secret), Buffer.from(asked.secret))) return undefined;
      return { username: `system:bootstrap:${token.id}`, groups: [bootstrappersGroup, ...token.groups] };
    },
  };
}
