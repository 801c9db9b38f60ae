import type { Authenticator } from './authenticator.ts';

/** The subject of a client certificate is the user: the common name its name, the organizations its groups. */
export const certificateAuthenticator: Authenticator = {
  async authenticate({ certificate }) {
    if (!certificate?.commonName) return undefined;
    return { username: certificate.commonName, groups: certificate.organizations };
  },
};
