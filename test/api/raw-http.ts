// Bytes on a TLS connection, as no well-behaved client would send them, and all that comes back.
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { parseYaml } from '../../src/base/yaml.ts';

export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

interface Kubeconfig {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
}

export function connectionOf(kubeconfig: string): Connection {
  const { clusters, users } = parseYaml(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
  const { server, 'certificate-authority-data': ca } = clusters[0]!.cluster;
  const { 'client-certificate-data': cert, 'client-key-data': key } = users[0]!.user;
  const decode = (base64: string) => Buffer.from(base64, 'base64');
  const { hostname, port } = new URL(server);
  return { host: hostname, port: Number(port), ca: decode(ca), cert: decode(cert), key: decode(key) };
}

export function open(to: Connection): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...to, ALPNProtocols: ['http/1.1'] }, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Sends this and reads until the server closes or is silent; '' when it closed without a word. */
export async function send(to: Connection, bytes: string | Buffer, silenceMs = 700): Promise<string> {
  const socket = await open(to);
  const chunks: Buffer[] = [];
  return await new Promise((resolve) => {
    const finish = () => {
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('latin1'));
    };
    let silence = setTimeout(finish, silenceMs * 5);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      clearTimeout(silence);
      silence = setTimeout(finish, silenceMs);
    });
    socket.on('error', () => {}); // being cut off is an answer
    socket.on('close', () => {
      clearTimeout(silence);
      finish();
    });
    socket.write(bytes);
  });
}

/** Status codes of all answers in what came back, in order. */
export const codesIn = (text: string): number[] =>
  [...text.matchAll(/(?:^|\r?\n|\})HTTP\/1\.[01] (\d{3}) /g)].map(([, code]) => Number(code));
