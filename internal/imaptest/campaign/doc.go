// Package campaign spoils connections. It runs imapknife's verbs that change
// mail through a proxy before a real Dovecot, once undisturbed to learn what
// passes, and then again and again, each time with another fault at another
// point: it cuts, resets or stalls the connection at every boundary of a
// command or a response and inside them, lets the server have a command late,
// has it say BYE, refuses each command with NO, and kills the process. Connections that are opened to look
// again are spoilt the same way, and those opened after them. Then it asks
// Dovecot itself (doveadm) what became of the mail:
//
//   - no message is lost from both sides,
//   - no message that was not named has changed,
//   - no message is there twice, not even when what the receipt calls not done
//     is done again,
//   - the receipt and the exit status agree with the mailbox.
//
// What saves mail in files is spoilt likewise (TestReadings): each FETCH is
// answered with NO, BAD, BYE or nothing behind its literals, and another client
// removes a message just before it. A file that is there is whole and has a row,
// what did not come shows in the exit status, and the same done again ends well.
//
// A case is named by the operation and its faults, one for each connection:
//
//	move/cut@s12+0/reset@c4+end
//
// is a move whose first connection is cut before the server's twelfth response,
// and whose second is reset as soon as the fourth command has passed whole. The
// name says everything: IMAPKNIFE_CAMPAIGN=NAME runs that case alone and shows
// what passed. It is for tests only, and imports nothing that ships.
package campaign
