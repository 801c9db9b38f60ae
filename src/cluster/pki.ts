// The cluster's own certificate authority and the identity of each component. Keys are ECDSA P-256, but for the RSA key of tokens; files 0600.
// x509 is loaded only when something has to be issued, which an ordinary start does not.
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { writeDurably } from '../base/durable-file.ts';
import {
  certificateAlgorithm,
  certificateSerial,
  importSigningKey,
  loadX509,
  newCertificateKeys,
} from '../base/x509.ts';

export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Who a certificate speaks for. `hosts` makes it a serving certificate. */
export interface Identity {
  readonly file: string;
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly hosts?: readonly string[];
  /** Which authority signs; default `ca`. */
  readonly authority?: 'ca' | 'front-proxy-ca';
  /** Where its files are, when not with the authority's. */
  readonly folder?: string;
}

export interface Pki {
  readonly folder: string;
  readonly ca: string;
  /** Signs for those who may say on behalf of whom they ask. */
  readonly frontProxyCa: string;
  /** Reads the identity's pair, issuing it first when it is absent, spent by two thirds, or names other hosts. */
  ensure(identity: Identity): Promise<KeyPair>;
  /** The authority itself, for whoever signs requests of others. */
  readonly signer: KeyPair;
  /** The private and public keys that sign and verify service-account tokens. */
  readonly serviceAccountKey: KeyPair;
}

const yearMs = 365 * 24 * 3600 * 1000;

/** Opens the folder, making authorities and the token key when they are not there yet. */
export async function openPki(folder: string, nowMs: number): Promise<Pki> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const ca = await ensureAuthority(folder, 'ca', 'coracle-ca', nowMs);
  const frontProxy = await ensureAuthority(folder, 'front-proxy-ca', 'coracle-front-proxy-ca', nowMs);
  return {
    folder,
    ca: ca.certificate,
    frontProxyCa: frontProxy.certificate,
    signer: ca,
    serviceAccountKey: ensureTokenKey(folder),
    ensure: (identity) =>
      ensureLeaf(identity.folder ?? folder, identity, identity.authority === 'front-proxy-ca' ? frontProxy : ca, nowMs),
  };
}

function readPair(folder: string, name: string): KeyPair | undefined {
  const [certificate, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  if (!existsSync(certificate) || !existsSync(key)) return undefined;
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
}

/** For an authority: what it signed is of no use without it. */
function keepPair(folder: string, name: string, pair: KeyPair): KeyPair {
  writeDurably(join(folder, `${name}.key`), pair.key);
  writeDurably(join(folder, `${name}.crt`), pair.certificate, 0o644);
  return pair;
}

/** For what may be issued again: it is not waited for until it is on the disk. */
function writePair(folder: string, name: string, pair: KeyPair): KeyPair {
  writeFileSync(join(folder, `${name}.key`), pair.key, { mode: 0o600 });
  writeFileSync(join(folder, `${name}.crt`), pair.certificate, { mode: 0o644 });
  return pair;
}

function ensureTokenKey(folder: string): KeyPair {
  const file = join(folder, 'sa.key');
  if (!existsSync(file)) {
    // RS256 is the one algorithm that everybody who checks tokens of a cluster knows.
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeDurably(file, privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  }
  const key = readFileSync(file, 'utf8');
  const certificate = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'pem' }) as string;
  return { key, certificate };
}

/** x509 and a fresh key pair; both are slow to come by, so only issuing pays for them. */
async function issuing() {
  return { x509: await loadX509(), ...(await newCertificateKeys()) };
}

async function ensureAuthority(folder: string, name: string, commonName: string, nowMs: number): Promise<KeyPair> {
  const existing = readPair(folder, name);
  if (existing) return existing;
  const { x509, keys, pem } = await issuing();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: certificateSerial(),
    name: [{ CN: [commonName] }],
    notBefore: new Date(nowMs - 300_000),
    notAfter: new Date(nowMs + 10 * yearMs),
    signingAlgorithm: certificateAlgorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return keepPair(folder, name, { certificate: `${certificate.toString('pem')}\n`, key: pem });
}

async function ensureLeaf(folder: string, identity: Identity, authority: KeyPair, nowMs: number): Promise<KeyPair> {
  const existing = readPair(folder, identity.file);
  if (existing && isUsable(existing, identity, authority, nowMs)) return existing;
  const { x509, keys, pem } = await issuing();
  const usages = identity.hosts ? [x509.ExtendedKeyUsage.serverAuth] : [x509.ExtendedKeyUsage.clientAuth];
  const names = (identity.hosts ?? []).map((host) => ({
    type: isIP(host) ? ('ip' as const) : ('dns' as const),
    value: host,
  }));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: certificateSerial(),
    subject: [...(identity.organizations ?? []).map((each) => ({ O: [each] })), { CN: [identity.commonName] }],
    issuer: new x509.X509Certificate(authority.certificate).subject,
    notBefore: new Date(nowMs - 300_000),
    notAfter: new Date(nowMs + yearMs),
    signingKey: await importSigningKey(authority.key),
    signingAlgorithm: certificateAlgorithm,
    publicKey: keys.publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension(usages),
      ...(names.length ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  });
  return writePair(folder, identity.file, { certificate: `${certificate.toString('pem')}\n`, key: pem });
}

/** Signed by this authority, less than two thirds through its life, and good for every host asked for. */
function isUsable(pair: KeyPair, identity: Identity, authority: KeyPair, nowMs: number): boolean {
  const certificate = readWhole(pair);
  if (!certificate) return false;
  if (!certificate.checkIssued(new X509Certificate(authority.certificate))) return false;
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (nowMs > from + ((to - from) * 2) / 3) return false;
  return (identity.hosts ?? []).every((host) => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)));
}

/** The certificate of a pair; undefined when the files were cut short, by the power's failing or a crash, or are not of one pair. */
function readWhole({ certificate, key }: KeyPair): X509Certificate | undefined {
  try {
    const parsed = new X509Certificate(certificate);
    return parsed.checkPrivateKey(createPrivateKey(key)) ? parsed : undefined;
  } catch {
    return undefined; // empty, or half of it
  }
}
