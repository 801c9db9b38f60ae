// The names of time zones, with the old ones: those of the IANA database, by letter case, as files are.
// What Intl lists is the names that it prefers; it takes the others in any case, and does not say their right one.

/** Beside what Intl lists; by the part before the first slash. */
const otherNames: Readonly<Record<string, string>> = {
  Africa: 'Asmara Timbuktu',
  America: [
    'Argentina/Buenos_Aires Argentina/Catamarca Argentina/ComodRivadavia Argentina/Cordoba Argentina/Jujuy',
    'Argentina/Mendoza Atikokan Atka Ensenada Fort_Wayne Indiana/Indianapolis Kentucky/Louisville Knox_IN',
    'Montreal Nipigon Nuuk Pangnirtung Porto_Acre Rainy_River Rosario Santa_Isabel Shiprock Thunder_Bay Virgin',
    'Yellowknife',
  ].join(' '),
  Antarctica: 'South_Pole',
  Asia: [
    'Ashkhabad Choibalsan Chongqing Chungking Dacca Harbin Ho_Chi_Minh Istanbul Kashgar Kathmandu Kolkata',
    'Macao Tel_Aviv Thimbu Ujung_Pandang Ulan_Bator Yangon',
  ].join(' '),
  Atlantic: 'Faroe Jan_Mayen',
  Australia: 'ACT Canberra Currie LHI NSW North Queensland South Tasmania Victoria West Yancowinna',
  Brazil: 'Acre DeNoronha East West',
  '': [
    'CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong',
    'Iceland Iran Israel Jamaica Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo PRC PST8PDT Poland',
    'Portugal ROC ROK Singapore Turkey UCT UTC Universal W-SU WET Zulu',
  ].join(' '),
  Canada: 'Atlantic Central Eastern Mountain Newfoundland Pacific Saskatchewan Yukon',
  Chile: 'Continental EasterIsland',
  Etc: 'GMT GMT0 Greenwich UCT UTC Universal Zulu',
  Europe: 'Belfast Kyiv Nicosia Tiraspol Uzhgorod Zaporozhye',
  Mexico: 'BajaNorte BajaSur General',
  Pacific: 'Chuuk Johnston Kanton Pohnpei Samoa Yap',
  US: [
    'Alaska Aleutian Arizona Central East-Indiana Eastern Hawaii Indiana-Starke Michigan Mountain Pacific',
    'Samoa',
  ].join(' '),
};

let names: Set<string> | undefined;

function knownNames(): Set<string> {
  const others = Object.entries(otherNames).flatMap(([area, list]) =>
    list.split(' ').map((name) => (area ? `${area}/${name}` : name)),
  );
  return new Set([...Intl.supportedValuesOf('timeZone'), ...others]);
}

export function isTimeZone(name: string): boolean {
  if (/^Etc\/GMT(?:[+-][0-9]|[+-]1[0-2]|-1[34])$/.test(name)) return true;
  names ??= knownNames();
  return names.has(name);
}
