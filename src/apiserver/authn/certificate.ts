import type { Authenticator } from './authenticator.ts';

/** The subject of a client certificate is the user: the common name its name, the organizations its groups. */
export const certificateAuthenticator: Authenticator = {
  async authenticate({ certificate }) {
    if (!certificate?.commonName) return undefined;
    const { commonName, organizations, fingerprint } = certificate;
    const extra = fingerprint
      ? { extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] } }
      : {};
    return { username: commonName, groups: organizations, ...extra };
  },
};
