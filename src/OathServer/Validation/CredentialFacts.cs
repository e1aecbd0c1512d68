using Oath;
using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>What never changes about a token within a generation: its secret as midstates, and its parameters.
/// The counter is never here.</summary>
internal sealed class CredentialFacts
{
    public required long TokenId { get; init; }

    public required string Serial { get; init; }

    public required string Realm { get; init; }

    public required TokenType Type { get; init; }

    public required int Digits { get; init; }

    /// <summary>The time step in seconds; 0 for HOTP.</summary>
    public required int TimeStep { get; init; }

    /// <summary>The generation of the secret: a row of another generation means that these facts are stale.</summary>
    public required int Generation { get; init; }

    /// <summary>Whose token it is; 0 for nobody's. The one fact that can change: see <see cref="CounterRow.PersonId"/>.</summary>
    public required long PersonId { get; init; }

    public required OathKey Key { get; init; }
}
