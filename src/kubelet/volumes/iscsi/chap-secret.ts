import type { SecretReference } from '../../../../generated/core-v1.ts';
import { secretKind } from '../../../../generated/kinds.ts';
import type { Client } from '../../../client/client.ts';
import type { ChapSecret } from './records.ts';

/** @throws Error that names the Secret, and nothing in it */
export async function readChapSecret(
  client: Client,
  { namespace, name }: Required<SecretReference>,
): Promise<ChapSecret> {
  try {
    const { data = {} } = await client.resource(secretKind).get({ namespace, name });
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
    );
  } catch (error) {
    const why = (error as Error).message;
    throw new Error(`couldn't get secret ${namespace}/${name} error: ${why}`, { cause: error });
  }
}
