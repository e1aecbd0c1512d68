using System.Net;

namespace OathServer.Interop;

/// <summary>What of other servers' interfaces is offered, and to whom. Bound from the section <c>Interop</c>; all off by
/// default.</summary>
internal sealed class InteropPolicy
{
    public const string Section = "Interop";

    /// <summary>Offers <c>/validate/check</c> and its kin as privacyIDEA's clients call them.</summary>
    public bool PrivacyIdea { get; set; }

    /// <summary>Offers <c>/radius/authorize</c> for FreeRADIUS' rlm_rest.</summary>
    public bool FreeRadius { get; set; }

    /// <summary>The realm that a request without one means.</summary>
    public string Realm { get; set; } = "default";

    /// <summary>Networks whose clients need no API key, in CIDR form: privacyIDEA's own clients cannot send one.
    /// Everybody else needs the key of a relying party.</summary>
    /// <remarks>This machine alone when left out. (A default in the property would be added to, not replaced.)</remarks>
    public string[]? Clients { get; set; }

    private static readonly string[] ThisMachine = ["127.0.0.0/8", "::1/128"];

    /// <summary>Whether a first code far ahead is answered with "type the next code", which resynchronises the token
    /// within the client's own login prompt.</summary>
    public bool ResyncByChallenge { get; set; } = true;

    public IPNetwork[] Networks() => Array.ConvertAll(Clients ?? ThisMachine, text => IPNetwork.TryParse(text, out var network)
        ? network
        : throw new InvalidOperationException($"Interop:Clients holds {text}; it must be a network such as 10.1.0.0/16."));
}
