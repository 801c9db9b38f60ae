/** The n-th address of an IPv4 range: `10.96.0.0/16`, 10 → `10.96.0.10`. */
export function serviceIp(cidr: string, index: number): string {
  const [base = ''] = cidr.split('/');
  const number = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) + index;
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
