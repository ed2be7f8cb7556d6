"""Python's imaplib doing what imapknife does: search, envelopes, raw.

usage: imaplib_client.py TASK HOST PORT USER PASSWORD CAFILE [PROGRAM|UID]
An empty CAFILE means clear text.
"""
import email.header
import email.parser
import imaplib
import json
import re
import ssl
import sys

task, host, port, user, password, ca_file = sys.argv[1:7]

if ca_file:
    context = ssl.create_default_context(cafile=ca_file)
    context.check_hostname = False  # the certificate is for localhost
    server = imaplib.IMAP4_SSL(host, int(port), ssl_context=context)
else:
    server = imaplib.IMAP4(host, int(port))
server.login(user, password)
server.select("INBOX", readonly=True)

NAMES = ("DATE", "SUBJECT", "FROM", "SENDER", "REPLY-TO", "TO", "CC", "BCC", "MESSAGE-ID", "IN-REPLY-TO", "REFERENCES")
ITEMS = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (" + " ".join(NAMES) + ")])"
FACTS = re.compile(rb'UID (\d+) FLAGS \(([^)]*)\) INTERNALDATE "([^"]*)" RFC822.SIZE (\d+)')


def decoded(value):
    return str(email.header.make_header(email.header.decode_header(value)))


def envelopes():
    parser = email.parser.BytesHeaderParser()
    for item in server.uid("FETCH", "1:*", ITEMS)[1]:
        if not isinstance(item, tuple):
            continue
        uid, flags, date, size = FACTS.search(item[0]).groups()
        header = parser.parsebytes(item[1])
        row = {"uid": int(uid), "flags": flags.decode().split(), "internal_date": date.decode(), "size": int(size)}
        for name in NAMES:
            if name in header:
                row[name.lower().replace("-", "_")] = decoded(header[name])
        print(json.dumps(row, ensure_ascii=False))


if task == "search":
    for uid in server.uid("SEARCH", sys.argv[7])[1][0].split():
        print(uid.decode())
elif task == "raw":
    sys.stdout.buffer.write(server.uid("FETCH", sys.argv[7], "(BODY.PEEK[])")[1][0][1])
else:
    envelopes()
server.logout()
