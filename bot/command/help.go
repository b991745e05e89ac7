package command

import (
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/wording"
)

// topic is a subject of the help besides the operations.
type topic struct {
	Name  string
	Other []string // words under which people look for it, too
	Text  string
}

// Topics returns all topics, in the order in which they are listed.
func Topics() []topic {
	return []topic{
		{"shares", []string{"share", "submit"}, "*Shares.* When your share is needed I write to you, and say how to answer with `conclave seal` or with gpg. Both encrypt your share to a key that exists for this one ceremony, and sign it with your own key. " +
			"Send me what they print, here in our direct messages, as text or as a file. I answer with a receipt. Never send a share that is not encrypted."},
		{"plan", []string{"approve", "reject"}, "*The plan* says what is done to which cluster, by whose shares, for whom and until when. Nothing in it can change once it is proposed. " +
			"Its hash, in digits and in words, is the same for everybody: compare it with the person who proposed it, by voice. Whoever proposes a plan can't approve it."},
		{"frozen", []string{"resume", "cancel"}, "*Frozen.* Before every share Conclave compares Vault with the plan. On any difference it stops. " +
			"Find out why, then the initiator and an approver both `/ceremony resume ID`, or one of them `/ceremony cancel ID`."},
		{"tokens", []string{"token", "accessor", "revoked", "revoke"}, "*Root tokens* may do everything, and end only when they are revoked. Whoever has asked for one says by which accessor Vault knows it: " +
			"`vault token lookup -format=json | jq -r .data.accessor`, and then `/ceremony accessor ID ACCESSOR`. An accessor gives nothing away; the token itself never belongs into Slack. " +
			"When the work is done: `vault token revoke -self`. I ask Vault until the token is gone, remind you while it is not, and write down when it was revoked. " +
			"If you have revoked it before you named its accessor, say so with `/ceremony revoked ID`."},
		{"alarms", []string{"alarm", "interference", "exposed"}, "*Alarms.* I look at every cluster all the time, and say in the ops channel and to its owners when something has happened there that no ceremony has done: somebody else's attempt, a cancellation, another encryption key, a node that is sealed or unsealed by hand. " +
			"A share, a token or a private key that somebody sends in the open raises one as well. The alarm says what was found and what to do; `/ceremony acknowledge ID what it was` says that you look after it, and ends it. Ceremonies go on beside it."},
		{"otp", []string{"password", "one-time"}, "*Without a PGP key* a requester uses a one-time password. Make it on your own computer with `conclave otp new otp.txt`, and propose with its commitment: `/ceremony start generate-root CLUSTER otp=COMMITMENT reason`. " +
			"Tell the words of the commitment to whoever approves, by voice. I ask for the password, encrypted, in a direct message; `conclave decode` reads the token that comes out. Never send the password itself to anybody."},
	}
}

// TopicNames returns the topics as the help on help lists them.
func TopicNames() string {
	var names []string
	for _, t := range Topics() {
		names = append(names, "`"+t.Name+"`")
	}
	return wording.ListOr(names)
}

// OperationHelp returns what an operation is for, in one line, and what the people who
// take part should know.
func OperationHelp(op ceremony.Operation) (line, more string) {
	switch op {
	case ceremony.Init:
		return "makes the key of a new cluster",
			"Vault makes the key shares and a first root token, each encrypted to its person; nobody else can read them, Conclave neither. Revoke the token once the cluster is set up. A cluster that has a key already is left alone."
	case ceremony.Unseal:
		return "opens sealed nodes",
			"Each holder sends a share once, and it goes to every sealed node of the cluster. Nobody has to approve it. A node that comes back later needs shares again: none is kept. `/ceremony reset ID` has the nodes forget what they have counted. Where the configuration says so, I open it by myself when a node is sealed."
	case ceremony.Rekey:
		return "replaces all key shares",
			"The holders bring enough of the old shares; Vault makes new ones, each encrypted to its holder. With verification the old key stays in force until enough holders have proven that they can use the new ones. " +
				"`/ceremony reverify ID` begins that proof anew."
	case ceremony.RekeyRecovery:
		return "replaces all recovery key shares, of a cluster that unseals itself",
			"It is `rekey` for the *recovery key*: Vault asks for that before it makes a root token, and to open again after somebody has sealed it by hand. " +
				"The holders bring enough of its shares; Vault makes new ones, each encrypted to its holder. With verification the old ones stay in force until enough holders have proven the new ones."
	case ceremony.GenerateRoot:
		return "makes a root token for whoever proposes it",
			"It is encrypted to their PGP key, or combined with a one-time password (`/ceremony help otp`). The holders bring enough shares. Revoke the token when the work is done: `/ceremony help tokens`."
	case ceremony.RecoveryToken:
		return "makes a token for a server in recovery mode",
			"It is for repairing what keeps a server from starting (`vault server -recovery`), and reads and writes its raw storage. Made as a root token is; it ends when the server is restarted."
	case ceremony.DRToken:
		return "makes a token for a disaster recovery secondary (Vault Enterprise)",
			"It promotes the secondary, or points it to another primary. Propose it on the secondary's own entry in the configuration. Made as a root token is."
	case ceremony.Rotate:
		return "installs a new encryption key",
			"Vault writes everything new with the new key, and still reads what the old ones have written. It takes approvals and nobody's share; the key shares stay as they are. `/ceremony key-status CLUSTER` shows the key in use."
	case ceremony.RotateConfig:
		return "changes when Vault rotates the encryption key by itself",
			"What you don't name stays as it is: `interval` is `0` or at least `24h`, `max-operations` a number from 1000000 to 3865470566. The plan shows what is in force and what is wanted. It takes approvals and nobody's share."
	case ceremony.ReadBackup:
		return "hands out the new shares that Vault kept of a rekey",
			"It is for a delivery that was lost. Vault's backup is encrypted: everybody gets their own, and nobody another's. As the last step an approver lets Vault forget it, with `/ceremony delete ID`; until then it stays there."
	case ceremony.Drill:
		return "has every holder prove that their share can still be used",
			"Each holder sends a share as in a real ceremony. I look at it, throw it away, and send nothing to Vault. In the end the report says who could, who couldn't, who didn't answer, and how many more the cluster can lose."
	}
	return "", ""
}

// StartForm returns the form of the command that proposes an operation.
func StartForm(op ceremony.Operation) string {
	forms := map[string]string{"otp": "[otp=COMMITMENT]", "enabled": "[enabled=yes|no]", "interval": "[interval=720h]", "max-operations": "[max-operations=3000000000]"}
	words := []string{"start", string(op), "CLUSTER"}
	for _, name := range op.Options() {
		words = append(words, forms[name])
	}
	return strings.Join(append(words, "[reason]"), " ")
}
