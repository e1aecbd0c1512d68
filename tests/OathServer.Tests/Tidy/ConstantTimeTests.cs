namespace OathServer.Tests.Tidy;

/// <summary>What is secret, or proves one, is compared in constant time (<c>CryptographicOperations.FixedTimeEquals</c>, or the
/// masks of <c>Oath.Lanes</c>). A comparison that ends at the first difference stands here with the reason why nobody learns by it.</summary>
public class ConstantTimeTests
{
    private static readonly Dictionary<string, string> Reasons = new(StringComparer.Ordinal)
    {
        ["src/Pskc/Xml/XmlCursor.cs"] = "names of elements",
        ["src/Pskc/Signatures/SignerTrust.cs"] = "certificates",
        ["src/SecurityKeys/Piv/Attestation.cs"] = "certificates",
        ["src/SecurityKeys/Virtual/VirtualReference.cs"] = "the virtual key: factory values",
        ["src/SecurityKeys/Virtual/VirtualPiv.cs"] = "the virtual key: factory values",
        ["src/SecurityKeys/Virtual/VirtualFido.cs"] = "the virtual key: a PIN against the one before it",
        ["src/OathServer/Desk/BatchesEndpoint.cs"] = "what was told a page last",
        ["src/OathServer/Desk/AgentRun.cs"] = "names of readers",
        ["src/OathServer/Console/Live.cs"] = "names of readers",
        ["src/OathServer/Provisioning/SecretDigits.cs"] = "a value just made, against well-known ones",
        ["src/OathServer/Provisioning/Rehearsal/Rollout.cs"] = "virtual keys of a rehearsal, on one machine",
        ["src/OathServer/Validation/FactsTable.cs"] = "names and serial numbers",
        ["src/OathServer/Backup/JournalReplay.cs"] = "two files of one who restores",
        ["src/OathServer/Backup/RollbackCheck.cs"] = "two files of this machine, at start",
    };

    [Fact]
    public void Secrets_are_compared_in_constant_time()
    {
        var callers = SourceTree.Under("src").Where(f => f.Text.Contains("SequenceEqual(", StringComparison.Ordinal)).Select(f => f.Path).ToHashSet();

        Assert.Empty(callers.Except(Reasons.Keys).Select(path => $"{path} calls SequenceEqual: FixedTimeEquals, or say here why nobody learns by it"));
        Assert.Empty(Reasons.Keys.Except(callers).Select(path => $"{path} compares nothing any more"));
    }

    [Theory]
    [InlineData("src/OathServer/Access/ApiKeys.cs")]
    [InlineData("src/OathServer/Audit")]
    [InlineData("src/OathServer/Import/StoreComparison.cs")]
    [InlineData("src/Pskc/Encryption/ValueMac.cs")]
    [InlineData("src/SecurityKeys/OathApplet/OathApplication.cs")]
    [InlineData("src/SecurityKeys/Piv/PivApplication.ManagementKey.cs")]
    public void Where_a_key_or_a_MAC_is_checked_it_is_in_constant_time(string where) =>
        Assert.Contains(SourceTree.Files, f => f.Path.StartsWith(where, StringComparison.Ordinal) && f.Text.Contains("FixedTimeEquals", StringComparison.Ordinal));
}
