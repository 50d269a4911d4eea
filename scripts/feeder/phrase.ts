// What the feeder's tweets are made of: made-up phrases, tags and names in many scripts, with what
// is hard to carry: right-to-left text, joined emoji, quotes, backslashes, markup.

export interface Voice {
  /** Its part of all tweets, relative to the others'. */
  readonly weight: number
  readonly phrases: readonly string[]
  readonly tags: readonly string[]
  readonly names: readonly string[]
}

export const voices: readonly Voice[] = [
  {
    weight: 32,
    phrases: [
      'Monday, we meet again',
      'cannot stop listening to this one',
      '"No." is a complete sentence',
      'the sky looked unreal on the way home tonight',
      'who else is still awake',
      'my cat just closed the laptop for me',
      'I <3 this so much & I am not sorry',
      '¯\\_(ツ)_/¯',
      'C:\\Users\\me\\coffee not found',
      'she said "why not?" and I had no answer ready',
      'first coffee, then the rest of the world',
      '5 > 4, <b>obviously</b>',
    ],
    tags: ['#MondayMood', '#nofilter', '#coffee', '#100DaysOfCode'],
    names: ['Ruby', 'sam (on tour)', 'not Kevin', 'Ada L.', '"Lucky" Joe'],
  },
  {
    weight: 15,
    phrases: [
      'おはようございます',
      '今日もいい天気ですね',
      '仕事が終わらない…',
      '新しいカフェに行ってきました',
      'ライブ最高だった!また行きたい',
      '「もう一杯」と言われました',
      'ねこがかわいすぎて何もできない',
    ],
    tags: ['#写真好きな人と繋がりたい', '#ねこ', '#おはよう'],
    names: ['さくら', '田中@お休み中', 'ゆうき★', 'ねこまる'],
  },
  {
    weight: 10,
    phrases: [
      '¡Qué día más bonito!',
      'mañana será otro día',
      '¿Alguien más sin poder dormir?',
      'El corazón tiene razones que la razón ignora',
      'un café con leche y a soñar',
    ],
    tags: ['#FelizLunes', '#España', '#señales'],
    names: ['María José', 'Íñigo', 'la niña del café'],
  },
  {
    weight: 8,
    phrases: [
      'que saudade de você',
      'não aguento mais esse calor',
      'bom dia, gente boa',
      'hoje é dia de jogo, coração na mão',
    ],
    tags: ['#BomDia', '#coração'],
    names: ['João', 'Conceição', 'bia ♡'],
  },
  {
    weight: 8,
    phrases: [
      'صباح الخير يا أصدقاء',
      'اللهم لك الحمد والشكر',
      'ما أجمل هذا اليوم!',
      'قال لي: "لا تحزن"',
      'القهوة أولاً، ثم كل شيء',
      'سافرت إلى Paris في 2019',
    ],
    tags: ['#صباح_الخير', '#قهوة'],
    names: ['نور', 'محمد علي', 'ليلى ☾'],
  },
  {
    weight: 3,
    phrases: ['בוקר טוב לכולם', 'איזה יום יפה היום', 'סבתא אמרה "תאכל משהו"', 'שבת שלום (v2.0)'],
    tags: ['#בוקר_טוב', '#תל_אביב'],
    names: ['נועה', 'דוד לוי'],
  },
  {
    weight: 6,
    phrases: [
      '오늘도 좋은 하루 되세요',
      '너무 귀여워서 심장이 아파',
      '내일은 콘서트!',
      '햇살이 정말 따뜻하다',
    ],
    tags: ['#일상', '#방탄소년단'],
    names: ['지민이네', '하늘', '민수✻'],
  },
  {
    weight: 5,
    phrases: [
      'Доброе утро, страна',
      'Кто тоже не спит?',
      'Лучший день за всё лето',
      'Бабушка сказала: «Ешь!»',
      'Їжак у тумані',
    ],
    tags: ['#доброеутро', '#лето'],
    names: ['Катя', 'Олександр', 'просто Юра'],
  },
  {
    weight: 5,
    phrases: ['คิดถึงจังเลย', 'วันนี้อากาศดีมาก', 'กินข้าวหรือยัง', 'รักที่สุดในโลกเลยนะ'],
    tags: ['#ขอบคุณ', '#แมว'],
    names: ['น้ำฝน', 'มะลิ'],
  },
  {
    weight: 4,
    phrases: ['Günaydın canım', 'İyi ki varsın', 'çay mı, kahve mi?', 'şu an gökyüzü çok güzel'],
    tags: ['#Günaydın', '#İstanbul'],
    names: ['Ayşe', 'Çağrı Öz'],
  },
  {
    weight: 4,
    phrases: [
      'Ça y est, c’est le week-end !',
      'J’ai trop mangé, aucun regret',
      'Où est passé l’été ?',
      'Zażółć gęślą jaźń',
      'Über den Wolken, schön wär’s',
      'Smörgåsbord på fredag',
    ],
    tags: ['#Genève', '#été'],
    names: ['Zoë', 'François', 'Łukasz', 'Jürg'],
  },
  {
    weight: 3,
    phrases: ['आज मौसम बहुत अच्छा है', 'शुभ प्रभात दोस्तों', 'चाय पी ली क्या?'],
    tags: ['#सुप्रभात'],
    names: ['प्रिया', 'अर्जुन'],
  },
  {
    weight: 3,
    phrases: ['早安，世界', '今天天气真好', '周末去哪里玩？', '我又胖了“一点点”'],
    tags: ['#早安', '#周末'],
    names: ['小明', '阿花'],
  },
  {
    weight: 1,
    phrases: ['Καλημέρα σε όλους', 'Τι ωραία μέρα σήμερα', 'Άντε, καφέ και φύγαμε'],
    tags: ['#καλημέρα'],
    names: ['Ελένη', 'Νίκος'],
  },
]

/** Emoji of several code points: families, skin tones, flags, keycaps. */
export const sequences: readonly string[] = [
  '👨‍👩‍👧‍👦',
  '👩‍🚀',
  '🏳️‍🌈',
  '👍🏽',
  '🙏🏿',
  '💁🏻‍♀️',
  '👩🏾‍❤️‍💋‍👨🏼',
  '🇧🇷',
  '🇯🇵🇰🇷',
  '🏴󠁧󠁢󠁳󠁣󠁴󠁿',
  '4️⃣',
  '#️⃣',
]

/** What screen names are put together from. */
export const syllables: readonly string[] = [
  'ka',
  'mi',
  'Lu',
  'ra',
  'To',
  'zen',
  'Bee',
  'ox',
  'Sky',
  'pan',
  '_',
  'da',
  'Vi',
  'no',
  'fox',
  'Jay',
]
