/** In whose name the server itself writes. */
export const serverUser = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };
