using System.Resources;

namespace OathServer.Pages;

/// <summary>What the trail says of an act beyond its name, by act; <c>{0}</c> stands for what varies. An act that is not here
/// holds a name, or what somebody wrote.</summary>
internal static class TrailDetails
{
    /// <summary>What a check of the trail finds is told as an act of this name would be.</summary>
    public const string Verdict = "audit.verify";

    private static readonly Phrase FromTo = new Phrase("{0} to {1}");
    private static readonly Phrase[] SignIn =
    [
        new Phrase("no such name"), new Phrase("disabled"), new Phrase("no password chosen yet"), new Phrase("locked out for a while"), new Phrase("wrong password"),
        new Phrase("passkey"), new Phrase("passkey: this answer was used before"), new Phrase("passkey: no answer to a question of ours, or too late"), new Phrase("passkey: not accepted"),
    ];

    private static readonly Phrase[] Statuses =
    [
        new Phrase("ready-for-handout"), new Phrase("handed-out"), new Phrase("in-provisioning"), new Phrase("in-doubt"), new Phrase("suspended"), new Phrase("lost"), new Phrase("retired"),
    ];

    private static readonly Phrase[] Reveal = [new Phrase("{0} (approved by {1})"), new Phrase("printed on the handout")];
    private static readonly Phrase[] Holder = [new Phrase("before: {0}"), new Phrase("nobody")];
    private static readonly Phrase[] Provisioning = [new Phrase("profile {0} version {1}"), new Phrase("batch {0}"), .. HeardSentences.All];
    private static readonly Phrase[] Complaints =
        [new Phrase("Code: {0}"), new Phrase("PivPin: {0}"), new Phrase("FidoPin: {0}"), new Phrase("Lost: {0}"), new Phrase("Broken: {0}")];

    private static readonly Phrase[] Reseed = [new Phrase("generation {0}, by the first code of the new seed"), new Phrase("generation {0}")];
    private static readonly Phrase[] Masters = [new Phrase("version {0}"), new Phrase("{0} versions added"), new Phrase("{0} versions")];
    private static readonly Phrase[] Policies =
    [
        new Phrase("realm {0} follows the settings: {1}; a guess hits with 1 in {2}"), new Phrase("realm {0}: {1}; a guess hits with 1 in {2}"), new Phrase("nothing moved"),
    ];

    private static readonly Phrase[] Alarms =
    [
        new Phrase("{0}; {1} more since the last of these alarms; {2} alarms about others were not told, there were too many"),
        new Phrase("{0}; {1} more since the last of these alarms"), new Phrase("{0}; {1} alarms about others were not told, there were too many"),
        new Phrase("API key {0}: one code was tried on {1} users or tokens within {2}; it is refused for as long"),
        new Phrase("API key {0}: {1} users or tokens failed within a minute, more than succeeded; failures are answered slowly"),
        new Phrase("{0}, through API key {1}"), new Phrase("a code that was used before came again and was refused"),
        new Phrase("failures locked it until help desk unlocks"), new Phrase("failures make it wait before the next code is looked at"),
    ];

    private static readonly Phrase[] Imports =
    [
        new Phrase("import {0}: {1} of {2} keys from {3} (SHA-256 {4}, {5})"), new Phrase("{0} (SHA-256 {1}) held nothing new"), .. ImportSentences.All, new Phrase("{0}: {1}"),
    ];

    private static readonly Phrase[] Exports =
    [
        new Phrase("{0} credentials, {1}; reason: {2}; SHA-256 {3}"), new Phrase("{0}; reason: {1}; SHA-256 {2}"), new Phrase("{0}; reason: {1}"),
        new Phrase("{0}, for a pre-shared key of {1} bits ({2})"), new Phrase("{0}, for a passphrase ({1})"), new Phrase("{0}, for the certificate {1} ({2})"),
        new Phrase("for a pre-shared key of {0} bits ({1})"), new Phrase("for a passphrase ({0})"), new Phrase("for the certificate {0} ({1})"), new Phrase("{0} named"),
        new Phrase("batch {0}"), new Phrase("realm {0}"), new Phrase("all"),
    ];

    private static readonly Phrase[] Restores =
    [
        new Phrase("{0}; {1} acts after it are lost"), new Phrase("{0}; {1} batches with {2} acceptances replayed from the journal"),
        new Phrase("{0}; no journal; {1} HOTP tokens need two consecutive codes, {2} TOTP tokens accept nothing up to the present step"),
    ];

    private static readonly Phrase[] Verdicts =
    [
        new Phrase("{0}: entry {1} was anchored and is not there: the chain was cut off"), new Phrase("{0}: entry {1} is missing (entry {2} follows entry {3})"),
        new Phrase("{0}: entry {1} was changed, or an entry before it was replaced"),
        new Phrase("{0}: entry {1} is not the one that was anchored: the chain was rebuilt from there or before"),
        new Phrase("anchors: line {0} of {1} was edited or is of another database"),
    ];

    private static readonly Dictionary<string, Vocabulary> ByAct = new((KeyValuePair<string, Vocabulary>[])
    [
        .. Of(SignIn, "staff.sign-in", "staff.password", "staff.passkey-add", "staff.passkey-remove"),
        .. Of([FromTo], "staff.role", "webhook.create"),
        .. Of([FromTo, new Phrase("{0} values under {1}")], "secrets.rotate"),
        .. Of([new Phrase("{0}, {1}, realms {2}"), new Phrase("{0}, {1}")], "api-key.create"),
        .. Of([new Phrase("{0}, the one before until {1}")], "api-key.rotate"),
        .. Of([new Phrase("person {0}: {1} keys, {2} tokens, erased from entries none"), new Phrase("person {0}: {1} keys, {2} tokens, erased from entries {3}")], "person.purge"),
        .. Of([new Phrase("active again: the tokens work as before"), new Phrase("left: the tokens are refused from now on")], "person.update"),
        .. Of([new Phrase("{0} for {1}: {2}")], "reveal.approve", "reveal.decline"),
        .. Of(Reveal, "puk.reveal", "pin.reveal"),
        .. Of(Holder, "record.assign", "record.unassign"),
        .. Of([FromTo, .. Statuses], "record.status"),
        .. Of([new Phrase("{0}, {1} users, profile {2}")], "batch.start"),
        .. Of(Provisioning, "provisioning", "provisioning.start", "provisioning.stop", "provisioning.confirm", "provisioning.abandon"),
        .. Of(Reseed, "token.reseed"),
        .. Of(Masters, "puk-master.rotate", "puk-master.import", "puk-master.export"),
        .. Of([new Phrase("{0} version {1}")], "profile.edit"),
        .. Of(Policies, "policy.set", "policy.reset"),
        .. Of(Alarms, "validation.replay", "validation.lock", "validation.guessing"),
        .. Of(Imports, "import"),
        .. Of([new Phrase("import {0}: {1} tokens of {2} (SHA-256 {3}, imported at {4} by {5})")], "import.undo"),
        .. Of(Exports, "export", "export.suspend", "token.export"),
        .. Of([new Phrase("{0} rows from SQLite to PostgreSQL, counts and digests equal")], "storage.move"),
        .. Of(Restores, "store.restore"),
        .. Of([new Phrase("self-service: {0}"), .. OfPages()], "token.resync"),
        .. Of([.. Complaints, .. OfPages()], "diagnosis"),
        .. Of(Verdicts, Verdict),
    ], StringComparer.Ordinal);

    /// <summary>What the entry says, and whether the server said it: then it is English where it is not known.</summary>
    public static (Phrase? Phrase, bool IsOurs) Find(string action, string detail) =>
        ByAct.TryGetValue(action, out var known) ? (known.Find(detail), true) : (null, false);

    private static IEnumerable<KeyValuePair<string, Vocabulary>> Of(IEnumerable<Phrase> phrases, params string[] acts)
    {
        var vocabulary = new Vocabulary(phrases);
        return acts.Select(act => KeyValuePair.Create(act, vocabulary));
    }

    /// <summary>What pages themselves wrote: their own sentences. A frame without words of its own would fit anything.</summary>
    private static IEnumerable<Phrase> OfPages()
    {
        using var sentences = new ResourceManager(typeof(ConsoleText)).GetResourceSet(ConsoleLanguages.All[1].Culture, createIfNotExists: true, tryParents: false)!;
        return [.. sentences.Cast<System.Collections.DictionaryEntry>().Select(entry => (string)entry.Key).Where(key => char.IsLetter(key[0])).Select(key => new Phrase(key))];
    }
}
