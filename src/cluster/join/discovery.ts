// Finding out whom to believe, before anything is believed: the cluster's own description, read without knowing who
// answers, is held against a token that both sides know and against the pin of its authority.
import { timingSafeEqual } from 'node:crypto';
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { ConfigMap } from '../../../generated/core-v1.ts';
import { parseBootstrapToken } from '../../api/core/bootstrap-token.ts';
import type { Clock } from '../../base/clock.ts';
import { parseYaml } from '../../base/yaml.ts';
import { signDetached } from '../../controllers/bootstrap-signer.ts';
import { exitCodes, UserFailure } from '../failure.ts';
import { caHashOf } from '../tokens.ts';

export interface DiscoveryRequest {
  /** `192.0.2.2:6443`; several of one cluster: the first that answers is asked. */
  readonly servers: readonly string[];
  readonly token: string;
  /** `sha256:…`; one of them must be the authority's. Empty: any that the token vouches for. */
  readonly pins: readonly string[];
}

export interface Discovered {
  /** The one that answered. */
  readonly server: string;
  /** PEM of the authority. */
  readonly ca: string;
  /** The address of this machine that the server is reached from. */
  readonly localAddress: string;
}

const path = '/api/v1/namespaces/kube-public/configmaps/cluster-info';
const maxAnswerBytes = 1024 * 1024;
const answerMs = 10_000;
const patienceMs = 20_000;
const pauseMs = 250;

/** Asks again while the server is away or has not signed for the token yet. @throws UserFailure */
export async function discover(asked: DiscoveryRequest, clock: Clock): Promise<Discovered> {
  const deadline = clock.monotonicMs() + patienceMs;
  for (;;) {
    let problem = '';
    for (const server of asked.servers) {
      try {
        return await discoverOnce(server, asked);
      } catch (error) {
        if (error instanceof UserFailure) throw error;
        problem = (error as Error).message;
      }
    }
    if (clock.monotonicMs() > deadline) throw unreachable(asked.servers.join(', '), problem);
    await clock.sleep(pauseMs);
  }
}

async function discoverOnce(server: string, asked: DiscoveryRequest): Promise<Discovered> {
  const first = await read(server, undefined);
  const text = verified(first.info, asked.token);
  const ca = authorityIn(text);
  if (asked.pins.length > 0 && !asked.pins.includes(caHashOf(ca))) {
    throw new UserFailure(
      exitCodes.permission,
      'E_CA_PIN',
      `the authority of ${server} is not the one that was named`,
      'compare the pin: coracle token create --print-join-command, on the cluster',
    );
  }
  // Whoever answers now holds a key of that authority.
  const second = await read(server, ca);
  if (verified(second.info, asked.token) !== text) throw new Error('the cluster describes itself in two ways');
  return { server, ca, localAddress: second.localAddress };
}

/** The description, once its signature is known to be made with the token. */
function verified({ data = {} }: ConfigMap, token: string): string {
  const { id, secret } = parseBootstrapToken(token)!;
  const text = data['kubeconfig'] ?? '';
  const signature = Buffer.from(data[`jws-kubeconfig-${id}`] ?? '');
  if (signature.length === 0) throw new Error(`the cluster does not know a token "${id}", or it has expired`);
  const wanted = Buffer.from(signDetached(text, id, secret));
  if (wanted.length !== signature.length || !timingSafeEqual(wanted, signature)) {
    const remedy = 'make a new one: coracle token create --print-join-command, on the cluster';
    throw new UserFailure(exitCodes.permission, 'E_TOKEN', `the cluster signs for another token "${id}"`, remedy);
  }
  return text;
}

function authorityIn(text: string): string {
  const { clusters } = parseYaml(text) as { clusters?: { cluster?: Record<string, string> }[] };
  const encoded = clusters?.[0]?.cluster?.['certificate-authority-data'];
  if (!encoded) throw new Error('the cluster names no authority');
  return Buffer.from(encoded, 'base64').toString();
}

/** Without an authority the answer may be anybody's. */
function read(server: string, ca: string | undefined): Promise<{ info: ConfigMap; localAddress: string }> {
  return new Promise((resolve, reject) => {
    const trust = ca === undefined ? { rejectUnauthorized: false } : { ca };
    const asking = request(`https://${server}${path}`, { ...trust, agent: false, timeout: answerMs }, (answer) => {
      const { localAddress = '' } = answer.socket as TLSSocket;
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxAnswerBytes) asking.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode !== 200) return reject(new Error(`the server answers ${answer.statusCode}`));
        try {
          resolve({ info: JSON.parse(Buffer.concat(chunks).toString()) as ConfigMap, localAddress });
        } catch (error) {
          reject(error as Error);
        }
      });
    });
    asking.on('timeout', () => asking.destroy(new Error('the server does not answer')));
    asking.on('error', reject);
    asking.end();
  });
}

function unreachable(server: string, reason: string): UserFailure {
  return new UserFailure(
    exitCodes.timeout,
    'E_DISCOVERY',
    `${server} could not be made sure of: ${reason}`,
    'is the address right, and the token fresh? coracle token create --print-join-command, on the cluster',
  );
}
