using OathServer.Provisioning;

namespace OathServer.Tests.Provisioning;

/// <summary>What is cut, and where.</summary>
internal enum FaultKind
{
    /// <summary>The key is pulled before a command arrives.</summary>
    PulledBefore,

    /// <summary>The key is pulled after a command was carried out: the answer is lost.</summary>
    PulledAfter,

    /// <summary>The server dies before a commit is stored.</summary>
    DiesBefore,

    /// <summary>The server dies after a commit was stored.</summary>
    DiesAfter,

    /// <summary>The store of counters refuses a commit: nothing of it holds.</summary>
    ValidationFails,

    /// <summary>A commit of counters is stored and its outcome unknown.</summary>
    ValidationLost,
}

/// <summary>A fault at the n-th command or commit of a run.</summary>
internal sealed record Fault(FaultKind Kind, int N);

/// <summary>What the faults happen to, and what becomes of the job they stop.</summary>
internal enum Story
{
    /// <summary>A new key; its job is resumed.</summary>
    Resumed,

    /// <summary>A new key; its job is given up by force, and another begun with another token for somebody else.</summary>
    Abandoned,

    /// <summary>A finished key that is given to somebody else, with another token; that job is resumed.</summary>
    PassedOn,
}

/// <summary>A combination of strategies and a kind of key.</summary>
internal sealed record CutPointCase(RolloutProfile Profile, Version Firmware, bool IsTotp)
{
    public static CutPointCase Parse(string row)
    {
        var parts = row.Split(' ').Select(p => p.Split('=')).ToDictionary(p => p[0], p => p[1]);
        var hasOath = parts["oath"] != "none";
        return new CutPointCase(
            new RolloutProfile
            {
                Puk = new PukDecision(Named<PukStrategy>(parts["puk"])),
                Pin = new PinDecision(Named<PinStrategy>(parts["pin"])),
                ManagementKey = Named<ManagementKeyStrategy>(parts["mgm"]),
                Oath = hasOath ? new OathDecision(Slot: parts["oath"] == "slot" ? 2 : null) : null,
                Fido = new FidoDecision(parts["fido"] == "used" ? FidoScope.HolderRegisters : FidoScope.NotUsed),
                VerifyFirstCode = hasOath,
            },
            Version.Parse(parts["fw"]), parts["oath"] == "totp");
    }

    private static T Named<T>(string name) where T : struct, Enum => Enum.Parse<T>(name.Replace("-", "", StringComparison.Ordinal), ignoreCase: true);
}
