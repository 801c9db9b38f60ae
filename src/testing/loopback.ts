// How programs outside of the test's process reach its cluster: a port on the loopback address, and a token for each user.
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import type { Authenticator, UserInfo } from '../apiserver/authn/authenticator.ts';
import { certificateAlgorithm, certificateSerial, loadX509 } from '../base/x509.ts';

const dayMs = 24 * 3600_000;

/** A key and a certificate that has signed itself, for 127.0.0.1; good for a day of the real time. */
export async function loopbackCertificate(): Promise<{ cert: string; key: string }> {
  const x509 = await loadX509();
  const keys = (await webcrypto.subtle.generateKey(certificateAlgorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: certificateSerial(),
    name: 'CN=coracle-testing',
    notBefore: new Date(Date.now() - 300_000),
    notAfter: new Date(Date.now() + dayMs),
    signingAlgorithm: certificateAlgorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' },
      ]),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: key.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

/** Tokens given out to the users of one cluster. */
export class LoopbackTokens implements Authenticator {
  readonly #users = new Map<string, UserInfo>();

  tokenFor(user: UserInfo): string {
    const token = randomBytes(24).toString('base64url');
    this.#users.set(token, user);
    return token;
  }

  async authenticate({ bearerToken }: Parameters<Authenticator['authenticate']>[0]): Promise<UserInfo | undefined> {
    return bearerToken === undefined ? undefined : this.#users.get(bearerToken);
  }
}

/** JSON, which is YAML too. */
export function loopbackKubeconfig(server: string, ca: string, user: UserInfo, token: string): string {
  const name = 'coracle-testing';
  return `${JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': name,
      clusters: [{ name, cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
      users: [{ name: user.username, user: { token } }],
      contexts: [{ name, context: { cluster: name, user: user.username } }],
    },
    null,
    2,
  )}\n`;
}
