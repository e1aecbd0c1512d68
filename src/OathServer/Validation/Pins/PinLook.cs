using OathServer.Storage;

namespace OathServer.Validation.Pins;

/// <summary>What was found of the PINs in one request, before its code goes to the writer. Until it is disposed no other
/// request looks at a PIN of the same user or token: guesses in parallel meet the throttle one after the other.</summary>
internal sealed class PinLook(IDisposable? turn) : IDisposable
{
    private readonly Dictionary<long, Found> found = [];

    /// <summary>Why nothing was looked at: the throttle held it at that moment, so it is refused unseen.</summary>
    public Outcome? Held { get; init; }

    /// <summary>A token's PIN and what it came to.</summary>
    /// <param name="HasPin">Whether it has one.</param>
    /// <param name="IsRight">Whether it was typed.</param>
    /// <param name="Pin">What was typed before the code.</param>
    /// <param name="Code">The code after it.</param>
    /// <param name="Renew">The stored row where its hash is another server's; null otherwise.</param>
    public readonly record struct Found(bool HasPin, bool IsRight, string Pin, string Code, TokenPin? Renew)
    {
        /// <summary>Never the PIN.</summary>
        public override string ToString() => $"PIN {(HasPin ? IsRight ? "right" : "wrong" : "none")}";
    }

    public void Add(long tokenId, Found what) => found[tokenId] = what;

    public Found Of(CredentialFacts facts) => found.GetValueOrDefault(facts.TokenId);

    /// <summary>The code to compare, or null when the PIN that the token has now was not typed before it, or one was typed
    /// that it has not.</summary>
    public string? CodeOf(CredentialFacts facts, bool hasPinNow)
    {
        var look = Of(facts);
        return look.HasPin != hasPinNow || look.Code is null ? null
            : hasPinNow ? look.IsRight ? look.Code : null
            : look.Pin.Length == 0 ? look.Code : null;
    }

    public void Dispose() => turn?.Dispose();
}
