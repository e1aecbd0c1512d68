namespace Pskc;

/// <summary>
/// What kind of thing is wrong with a file; the message of the <see cref="PskcException"/> has the rest.
/// </summary>
public enum PskcFault
{
    /// <summary>Not XML at all, or not well-formed.</summary>
    NotXml,

    /// <summary>The file ends before its container does: a part of a shipment is never a shipment.</summary>
    Truncated,

    /// <summary>Well-formed XML, but not a key container; the message names the root element found.</summary>
    WrongKind,

    /// <summary>
    /// A DOCTYPE is present. Nothing in PSKC needs one, and entities are how XML readers are attacked.
    /// </summary>
    DtdForbidden,

    /// <summary>A bound of <see cref="PskcLimits"/> was passed.</summary>
    LimitExceeded,

    /// <summary>The container's version is not one this reader knows (RFC 6030 section 1.2).</summary>
    UnsupportedVersion,

    /// <summary>An element or attribute is missing, repeated or out of place.</summary>
    BadStructure,

    /// <summary>Elements of two PSKC namespaces in one file.</summary>
    MixedNamespaces,

    /// <summary>A value is not what its type says: integer, boolean, date, Base64.</summary>
    BadValue,

    /// <summary>An encrypted integer that can be read in two ways; see <see cref="IntegerReading"/>.</summary>
    AmbiguousInteger,

    /// <summary>Two keys with one manufacturer, serial number, issue number and key id (RFC 6030 section 8).</summary>
    DuplicateKey,

    /// <summary>An algorithm this reader does not know, or one that was not allowed.</summary>
    UnsupportedAlgorithm,

    /// <summary>The file is encrypted and the key it needs was not given, or is of the wrong sort or length.</summary>
    KeyRequired,

    /// <summary>
    /// A value does not authenticate: wrong key, wrong passphrase, wrong MAC or damaged value. Which one cannot be
    /// told, and is never said.
    /// </summary>
    NotAuthentic,

    /// <summary>A value is encrypted without any integrity protection (RFC 6030 section 6.1.1).</summary>
    MacMissing,

    /// <summary>The file was to be signed and is not.</summary>
    SignatureMissing,

    /// <summary>The signature does not verify, does not cover the container, or is not by a trusted signer.</summary>
    SignatureInvalid,

    /// <summary>The stream could not be read.</summary>
    Unreadable,
}
