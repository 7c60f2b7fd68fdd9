// A scriptable short message service centre on loopback, for tests: SMPP 3.4 by npm's `smpp`, and a control port.
//
//   node smsc.js          prints {"smpp": PORT, "control": PORT} when it listens, and ends when its standard input does
//
// What becomes of a submitted message is told by the last three digits of its destination:
//   000 undelivered            991 receipt without tags                 995 connection dropped after the answer
//   999 throttled once         990 receipt with nothing but id and stat 994 connection dropped instead of an answer
//   998 queue full once        993 receipt before the answer            989 the second part refused
//   997 no answer              992 receipt's id in decimal, the         988 connection dropped instead of the second
//   996 destination refused        answer's in hexadecimal with zeros       part's answer
//   987 answer late            986 answered with a negative generic_nack (the length is wrong)
//   985 never a receipt        984 the second part throttled once
//
// Control (JSON in, JSON out): POST /script {delay, bind, system_id, password, mute}, /mo {from, to, parts: [{hex, coding,
// udh}], …}, /raw {hex}, /drop, /unbind, /enquire, /reset; GET /state.
const smpp = require('smpp'), http = require('http');
// The log holds the octets as they came; the package would read them with tables of its own.
smpp.commands.submit_sm.params.short_message.filter.decode = value => value;
const QUIET = {delay: 0, bind: 0, password: 'secret', mute: false, receipts: 20};
let script = {...QUIET}, count = 0, open = 0, most = 0, log = [], binds = [], acks = [], enquired = 0, answers = 0, sockets = 0;
const sessions = new Set(), later = new Set();
const after = (ms, work) => { const t = setTimeout(() => { later.delete(t); work(); }, ms); later.add(t); };
const plain = (k, v) => v && v.type === 'Buffer' ? Buffer.from(v.data).toString('hex') : v;
const stamp = () => new Date().toISOString().replace(/[-:T]/g, '').slice(2, 12);

const onBind = (s, kind) => p => {
  binds.push({kind, system_id: p.system_id, system_type: p.system_type, at: Date.now()});
  if (script.bind) return s.send(p.response({command_status: script.bind}));
  if (p.password !== script.password) return s.send(p.response({command_status: smpp.ESME_RINVPASWD}));
  s.kind = kind;
  s.send(p.response({system_id: 'SMSC', sc_interface_version: 0x34}));
};

const receivers = () => [...sessions].filter(s => s.kind && s.kind !== 'bind_transmitter' && !s.closed);

function receipt(p, id, digits) {
  const bad = digits === '000', word = bad ? 'UNDELIV' : 'DELIVRD';
  let text = `id:${id} sub:001 dlvrd:${bad ? '000' : '001'} submit date:${stamp()} done date:${stamp()} stat:${word} err:${bad ? '005' : '000'} text:`;
  if (digits === '990') text = `id:${id} stat:${word}`;
  const tags = digits === '991' || digits === '990' ? {} : {receipted_message_id: id, message_state: bad ? 5 : 2};
  const s = receivers()[0];
  if (s) s.deliver_sm({source_addr_ton: p.dest_addr_ton, source_addr_npi: p.dest_addr_npi, source_addr: p.destination_addr,
    dest_addr_ton: p.source_addr_ton, dest_addr_npi: p.source_addr_npi, destination_addr: p.source_addr, esm_class: 4,
    short_message: {message: text}, ...tags}, r => acks.push(r.command_status));
}

function onSubmit(s, p) {
  const digits = p.destination_addr.slice(-3), no = code => s.send(p.response({command_status: code}));
  const place = p.esm_class & 0x40 ? p.short_message[p.short_message[0]] : 1;
  const once = digits === '984' ? place === 2 : true;
  if (digits === '999' || digits === '984') {
    if (once && !s.server_once[p.destination_addr]) { s.server_once[p.destination_addr] = 1; return no(smpp.ESME_RTHROTTLED); }
  }
  if (digits === '998' && !s.server_once[p.destination_addr]) { s.server_once[p.destination_addr] = 1; return no(smpp.ESME_RMSGQFUL); }
  if (digits === '997') return;
  if (digits === '996') return no(smpp.ESME_RINVDSTADR);
  if (digits === '994') return s.destroy();
  if (digits === '986') return s.send(new smpp.PDU('generic_nack', {command_status: 2, sequence_number: p.sequence_number}));
  if (digits === '989' && place === 2) return no(smpp.ESME_RINVDSTADR);
  if (digits === '988' && place === 2) return s.destroy();
  const n = ++count;
  const id = digits === '992' ? n.toString(16).padStart(8, '0') : `M${n}`;
  const named = digits === '992' ? String(n) : id;
  const wanted = (p.registered_delivery & 3) && digits !== '985';
  const answer = () => { s.send(p.response({message_id: id})); if (digits === '995') s.destroy(); };
  if (digits === '993') { receipt(p, named, digits); return after(150, answer); }
  const wait = digits === '987' ? 1500 : script.delay;
  open++; most = Math.max(most, open);
  const done = () => { open--; answer(); };
  if (wait) after(wait, done); else done();
  if (wanted) after(script.receipts + wait, () => receipt(p, named, digits));
}

const once = {};
const server = smpp.createServer(s => {
  sockets++; s.server_once = once; sessions.add(s);
  s.on('error', () => {}); s.on('close', () => { sessions.delete(s); });
  s.on('pdu', p => log.push(JSON.parse(JSON.stringify(p, plain))));
  for (const kind of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) s.on(kind, onBind(s, kind));
  s.on('enquire_link', p => { enquired++; if (!script.mute) s.send(p.response()); });
  s.on('unbind', p => { s.send(p.response()); s.closed = true; s.close(); });
  s.on('submit_sm', p => onSubmit(s, p));
});

const verbs = {
  '/state': () => ({log, binds, acks, enquired, answers, sockets, most, bound: [...sessions].filter(s => s.kind).map(s => s.kind)}),
  '/script': q => { Object.assign(script, q); return {}; },
  '/reset': () => {
    for (const t of later) clearTimeout(t); later.clear();
    for (const s of sessions) s.destroy();
    script = {...QUIET}; log = []; binds = []; acks = []; enquired = answers = sockets = open = most = 0;
    for (const key of Object.keys(once)) delete once[key];
    return {};
  },
  '/mo': q => {
    const s = receivers()[0];
    if (!s) return {sent: 0};
    for (const part of q.parts) {
      const message = Buffer.from(part.hex, 'hex');
      const {hex, coding, udh, ...tags} = part;
      s.deliver_sm({source_addr_ton: 1, source_addr_npi: 1, source_addr: q.from, dest_addr_ton: q.ton || 1, dest_addr_npi: 1,
        destination_addr: q.to, data_coding: coding || 0, esm_class: udh ? 0x40 : 0,
        short_message: udh ? {udh: Buffer.from(udh, 'hex'), message} : {message}, ...tags},
        r => acks.push(r.command_status));
    }
    return {sent: q.parts.length};
  },
  '/raw': q => { for (const s of receivers()) s.socket.write(Buffer.from(q.hex, 'hex')); return {}; },
  '/drop': () => { for (const s of sessions) s.destroy(); return {}; },
  '/unbind': () => { for (const s of receivers()) s.unbind(() => s.close()); return {}; },
  '/enquire': () => { for (const s of sessions) s.enquire_link(() => { answers++; }); return {}; },
};
const control = http.createServer((q, r) => {
  let body = '';
  q.on('data', piece => { body += piece; });
  q.on('end', () => {
    const verb = verbs[q.url];
    r.statusCode = verb ? 200 : 404;
    r.end(JSON.stringify(verb ? verb(body ? JSON.parse(body) : {}) : {}));
  });
});
server.listen(0, '127.0.0.1', () => control.listen(0, '127.0.0.1', () =>
  console.log(JSON.stringify({smpp: server.address().port, control: control.address().port}))));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
