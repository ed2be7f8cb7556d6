-- imapfilter printing the UIDs of unread messages.
options.info = false
options.certificates = false
options.hostnames = false -- the certificate is for localhost
options.create = false

local account = IMAP {
  server = os.getenv("BENCH_HOST"),
  port = tonumber(os.getenv("BENCH_PORT")),
  username = os.getenv("BENCH_USER"),
  password = os.getenv("BENCH_PASSWORD"),
  ssl = "auto",
}
for _, message in ipairs(account.INBOX:is_unseen()) do
  print(message[2])
end
