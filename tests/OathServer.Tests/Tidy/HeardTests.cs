using System.Text.RegularExpressions;
using OathServer.Pages;

namespace OathServer.Tests.Tidy;

/// <summary>What provisioning and desks say to people in English is known to the pages, which say it in the reader's language.</summary>
public partial class HeardTests
{
    // Pieces of what is said: names and numbers in any language, and frames whose sentences stand elsewhere.
    private static readonly string[] Pieces =
        ["CUID 7", "7 to 7", "empty slot 7", "delete 7", "of 7", "the key", "7 7", "The first code was refused (7). 7", "7 and resume with the code."];

    private static readonly string[] Said =
    [
        .. SourceTree.Under("src/OathServer/Provisioning").Concat(SourceTree.Under("src/OathServer/Desk")).Concat(SourceTree.Under("src/OathServer/Records"))
            .SelectMany(file => Sentence().Matches(file.Text).Concat(file.Path.EndsWith("Plan.cs", StringComparison.Ordinal) ? Choice().Matches(file.Text) : [])
                .Select(m => Hole().Replace(Regex.Unescape(m.Groups[1].Value), "7").Trim()))
            .Where(text => text.Contains(' ', StringComparison.Ordinal)).Except(Pieces).Distinct(),
    ];

    [Fact]
    public void Every_refusal_warning_step_and_trouble_is_known_to_the_pages() =>
        Assert.Empty(Said.Where(text => Heard.Find(text) is null).Select(text => $"HeardSentences.cs lacks: {text}"));

    [Fact]
    public void Every_fault_of_a_profile_or_a_webhook_is_known_to_the_pages()
    {
        var faults = SourceTree.Files.Where(file => file.Path is "src/OathServer/Provisioning/RolloutProfile.cs" or "src/OathServer/Webhooks/WebhookDelivery.cs")
            .SelectMany(file => Fault().Matches(file.Text)).Select(m => Hole().Replace(Regex.Unescape(m.Groups[1].Value), "7"))
            .SelectMany(text => text.StartsWith("factory.7:", StringComparison.Ordinal) ? [text.Replace(".7:", ".pin:", StringComparison.Ordinal), text.Replace(".7:", ".puk:", StringComparison.Ordinal)] : new[] { text })
            .ToList();

        Assert.True(faults.Count >= 11, $"{faults.Count}");
        Assert.Empty(faults.Where(text => Heard.Find(text) is null).Select(text => $"HeardSentences.cs lacks: {text}"));
    }

    // Files, and members of a profile.
    private static readonly string[] NoActs = ["agent.json", "batch.csv", "staff.csv", "puk.strategy", "puk.digits", "pin.strategy", "pin.digits"];

    /// <summary>What enters the trail, by its name in the sources.</summary>
    [Fact]
    public void Every_act_of_the_trail_is_known_to_the_pages_in_words()
    {
        var acts = SourceTree.Under("src/OathServer").Where(file => !file.Path.Contains("/Languages/", StringComparison.Ordinal))
            .SelectMany(file => Act().Matches(file.Text)).SelectMany(m => Quoted().Matches(m.Value)).Select(m => m.Groups[1].Value).Except(NoActs).Distinct().ToList();

        Assert.True(acts.Count >= 70, $"{acts.Count}");
        Assert.Empty(acts.Where(act => ActWords.Of(act) is null).Select(act => $"ActWords.cs lacks: {act}"));
    }

    [Theory]
    [InlineData("batch.running")]
    [InlineData("batch.paused")]
    [InlineData("batch.stopped")]
    public void Moves_of_a_batch_are_known_in_words(string act) => Assert.NotNull(ActWords.Of(act));

    // What imports say stands in the readers of files as in the import itself; commands, exports and the API speak English only.
    private static readonly string[] NoImports = ["/Export/", "Command.cs", "Endpoint.cs", "Options.cs", "TokenRows.cs", "ProgressLine.cs", "ReportText.cs", "/Writing/", "Writer.cs", "Signer.cs"];

    // Pieces whose whole is known, the words of the trail and of the page, and what only a program is told.
    private static readonly string[] NoReasons =
    [
        "privacyIDEA OATH CSV", "line 7: 7.", "line 7, serial 7: 7.7", "7 more keys are refused.", ", encrypted with a pre-shared key", ", encrypted with a passphrase", ", encrypted to an RSA key",
        "is beyond 9223372036854775807.", "is a decimal text beyond 9223372036854775807.", "was read as the decimal text 7; as a big-endian number it would be 7",
        "can be read as decimal text (7) and as a big-endian number (7). Ask the sender which is meant and say so (IntegerReading).",
        "import 7: 7 tokens of 7 (SHA-256 7, imported at 7 by 7)", "import 7: 7 of 7 keys from 7 (SHA-256 7, 7)", "7 (SHA-256 7) held nothing new",
        "There is no parameter 7. Parameters are: 7.", "The parameter 7 is there more than once.", "The form has no boundary.", "A part of the form has no Content-Disposition.",
        "The form has no part named file.", "A key or passphrase was sent in the address, where logs keep it. Consider it disclosed; send it in 7, 7 or a form field.", "The field 7 is longer than 7 octets.", "A container is read once, forward. Open it again.", "Give the key an AlgorithmUri.",
        "nexpected end of file", "Root element is missing",
        "checked, nothing changed yet", "Comparing with the store", "not for this server", "Too many files wait to be confirmed. Try again in some minutes.",
    ];

    private static readonly string[] ImportsSay =
    [
        .. SourceTree.Under("src/OathServer/Import").Concat(SourceTree.Under("src/Pskc")).Concat(SourceTree.Under("src/OathServer/Console/Imports"))
            .Where(file => file.Path.EndsWith(".cs", StringComparison.Ordinal) && !NoImports.Any(no => file.Path.Contains(no, StringComparison.Ordinal)))
            .SelectMany(file => Literals.Of(file.Text)).Where(text => Words().Count(text) >= 3).Except(NoReasons).Distinct(),
    ];

    [Fact]
    public void Every_reason_and_refusal_of_an_import_is_known_to_the_pages()
    {
        var unknown = string.Join('\n', ImportsSay.Where(text => Heard.FindImport(text) is null));
        Assert.True(unknown.Length == 0, $"ImportSentences.cs lacks:\n{unknown}");
    }

    [Fact]
    public void Reasons_of_imports_are_found() => Assert.True(ImportsSay.Length >= 180, $"{ImportsSay.Length}");

    [Fact]
    public void They_are_found() => Assert.True(Said.Length >= 90, $"{Said.Length}");

    [Fact]
    public void What_varies_stays_and_several_sentences_are_each_said()
    {
        var refusal = Heard.Find("Token A1 stands at counter 12; the key holds at most 4294967295. Reseed it.")!;
        Assert.Equal("Token {0} stands at counter {1}; the key holds at most {2}. Reseed it.", refusal.Text);
        Assert.Equal(["A1", "12", "4294967295"], refusal.With);

        var trouble = Heard.Find("The first code was refused (Locked). Unlock the token, then resume.")!;
        Assert.Equal(["The first code was refused (Locked).", "Unlock the token, then resume."], trouble.With.Select(p => p!.ToString()));
        Assert.Null(Heard.Find("The moon is full. Unlock the token, then resume."));
    }

    [Fact]
    public void A_refused_file_is_told_with_its_place_its_reasons_and_how_many_more()
    {
        var refusal = Heard.FindImport("line 3, serial A1: its secret is one octet repeated. 4 more keys are refused.")!;
        Assert.Equal(["line 3, serial A1", "its secret is one octet repeated. 4 more keys are refused."], refusal.With.Select(part => part!.ToString()));
        Assert.Equal("{0}. {1} more keys are refused.", ((Phrase)refusal.With[1]!).Text);

        var reasons = Heard.FindImport("it was locked on the old server; the file has no counter; 0 assumed")!;
        Assert.Equal(["it was locked on the old server", "the file has no counter; 0 assumed"], reasons.With.Select(part => part!.ToString()));
        Assert.Null(Heard.FindImport("line 3, serial A1: the moon is full"));

        var pins = (Phrase)Heard.FindImport("PINs not carried: 3 crypt(3), 2 of another kind. Set them anew at the token, or take the codes alone.")!.With[0]!;
        Assert.Equal(["3 crypt(3)", "2 of another kind"], pins.With.Select(part => part!.ToString()));
    }

    [Theory]
    [InlineData("import", "list.csv: line 3, serial A1: its secret is one octet repeated. 4 more keys are refused.", "{0}. {1} more keys are refused.")]
    [InlineData("import", "list.csv: line 3, serial A1: its secret is one octet repeated.", "{0}: {1}")]
    [InlineData("import", "import 7: 2 of 3 keys from list.csv (SHA-256 AB, PSKC 1.0, not encrypted)", "import {0}: {1} of {2} keys from {3} (SHA-256 {4}, {5})")]
    [InlineData("record.status", "ready-for-handout to handed-out", "{0} to {1}")]
    [InlineData("provisioning.stop", "The key did not take the PIN. Resume to try again.", "The key did not take the PIN. Resume to try again.")]
    [InlineData("validation.replay", "a code that was used before came again and was refused, through API key 3; 5 more since the last of these alarms", "{0}; {1} more since the last of these alarms")]
    [InlineData("token.resync", "self-service: resynchronised", "self-service: {0}")]
    [InlineData("diagnosis", "Lost: Whoever finds it could use it. ", "Lost: {0}")]
    public void What_the_trail_says_of_an_act_is_known(string act, string detail, string phrase)
    {
        var (found, isOurs) = TrailDetails.Find(act, detail);
        Assert.True(isOurs);
        Assert.Equal(phrase, found?.Text);
    }

    [Fact]
    public void A_name_or_a_reason_in_the_trail_is_nobodys_sentence() => Assert.Equal((null, false), TrailDetails.Find("reveal.ask", "puk: Herr Meier ruft an"));

    // What is added to a list of refusals or warnings, stops a job, is a step of a plan or the end of one.
    [GeneratedRegex("""(?:(?:refusals|warnings)\.Add\(|return \((?:null, )+|return (?=\$?"[A-Z])|Outcome\.(?:Refused|Busy)\(\s*|Outcome\.Refused\(\s*\$?"(?:[^"\\{]|\\.|\{[^{}"]*\})*",\s*|JobStoppedException\(|Journal\.(?:Done|Skip)\(step, |PlannedStep\([\w.]+, |new\(StepNames\.\w+, )\s*(?:string\.Create\(\s*CultureInfo\.InvariantCulture,\s*)?\$?"((?:[^"\\{]|\\.|\{[^{}"]*\})*)["]""")]
    private static partial Regex Sentence();

    // In the plans also what is one of two.
    [GeneratedRegex("""[?:]\s+(?:string\.Create\(\s*CultureInfo\.InvariantCulture,\s*)?\$?"((?:[^"\\{]|\\.|\{[^{}"]*\})*)["]""")]
    private static partial Regex Choice();

    [GeneratedRegex(@"(?<!\S)[\p{L}\d'(),.:;]{2,}(?!\S)")]
    private static partial Regex Words();

    // A rule that a profile breaks, or why a receiver did not take what it was told.
    [GeneratedRegex("""(?:yield return |[?:] (?=\$?"it )|return \w+ is \w+ \? )\$?"([a-z][^"]*)["]""")]
    private static partial Regex Fault();

    // An act where it is written down: by name, as one of two, or handed on to what writes it down.
    [GeneratedRegex("""(?:\bAction = (?:[\w.!= ]+ \? )?"[a-z.-]+"(?: : "[a-z.-]+")?|"(?:agent|api-key|audit|batch|holder|person|pin|policy|profile|provisioning|puk|puk-master|record|reveal|secrets|staff|storage|store|token|validation|webhook)\.[a-z-]+(?:\.[a-z]+)?"(?=[,;)]))""")]
    private static partial Regex Act();

    [GeneratedRegex("\"([^\"]+)\"")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\{[^{}]*\}")]
    private static partial Regex Hole();
}
