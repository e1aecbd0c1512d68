using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.HighLevelAPI;
using OathServer.Storage;
using ISession = Net.Pkcs11Interop.HighLevelAPI.ISession;

namespace OathServer.Secrets;

/// <summary>The token did not do what was asked, for the moment: what needs it is refused, nothing is lost.</summary>
internal sealed class TokenUnavailableException(string message, Exception? inner = null) : StorageUnavailableException(message, inner);

/// <summary>A key found in the token.</summary>
/// <param name="Id">As <see cref="KeyEncryptionKey.Id"/>.</param>
/// <param name="Number">Its <c>CKA_ID</c> as a number: later keys have higher ones.</param>
/// <param name="Handle">In the session it was found in.</param>
internal readonly record struct FoundKey(string Id, ulong Number, IObjectHandle Handle);

/// <summary>
/// One logged-in session with a PKCS#11 token, opened again when the token was away. One call at a time: what was opened
/// with a key is remembered by those who asked, so the token is met at a start, by a new credential and by a rotation.
/// </summary>
internal sealed class TokenSession(TokenAddress address, ILogger log) : IDisposable
{
    private const int TagBits = KeyEncryptionKey.TagSize * 8;

    /// <summary>After a failure the token is left alone so long: who waits for a dead one holds up all others.</summary>
    private const long RestMilliseconds = 1000;

    private static readonly Pkcs11InteropFactories Factories = new();

    // One turn for the process: a module is loaded once in it, and finalising ends all sessions there are.
    private static readonly Lock Turn = new();
    private static readonly Dictionary<string, IPkcs11Library> Loaded = [];
    private static int loads;

    private ISession? session;
    private int sessionOf;
    private List<FoundKey> keys = [];
    private long restsUntil;
    private bool pinRefused;

    static TokenSession()
    {
        // The package asks for "libdl", a name that only development packages of Linux bring.
        if (OperatingSystem.IsLinux())
        {
            NativeLibrary.SetDllImportResolver(typeof(Pkcs11InteropFactories).Assembly, (name, _, _) =>
                name == "libdl" && NativeLibrary.TryLoad("libdl.so.2", out var found) ? found : IntPtr.Zero);
        }
    }

    /// <summary>Why the token does not answer; null while it does.</summary>
    public string? Fault { get; private set; }

    /// <summary>The keys under the label; <paramref name="again"/> looks into the token.</summary>
    public IReadOnlyList<FoundKey> Keys(bool again) => Use(open =>
    {
        if (again)
        {
            keys = FindKeys(open);
        }

        return keys;
    });

    public byte[] Encrypt(string id, byte[] nonce, byte[] plain, byte[] associated) =>
        Use(open => open.Encrypt(Gcm(open, nonce, associated), HandleOf(id), plain));

    /// <exception cref="AuthenticationTagMismatchException">The token answers, but this does not open.</exception>
    public byte[] Decrypt(string id, byte[] nonce, byte[] cipher, byte[] associated)
    {
        try
        {
            return Use(open => open.Decrypt(Gcm(open, nonce, associated), HandleOf(id), cipher));
        }
        catch (Pkcs11Exception)
        {
            // Modules name a wrong tag differently, SoftHSM "general error". A session opened anew has just proven its keys.
            throw new AuthenticationTagMismatchException();
        }
    }

    /// <summary>Makes an AES-256 key that never leaves the token.</summary>
    public void Generate(ulong number)
    {
        Use(open =>
        {
            var id = new byte[8];
            BinaryPrimitives.WriteUInt64BigEndian(id, number);
            var attribute = Factories.ObjectAttributeFactory;
            return open.GenerateKey(Factories.MechanismFactory.Create(CKM.CKM_AES_KEY_GEN),
            [
                attribute.Create(CKA.CKA_CLASS, CKO.CKO_SECRET_KEY), attribute.Create(CKA.CKA_KEY_TYPE, CKK.CKK_AES),
                attribute.Create(CKA.CKA_VALUE_LEN, (ulong)KeyEncryptionKey.Size), attribute.Create(CKA.CKA_LABEL, address.Key), attribute.Create(CKA.CKA_ID, id),
                attribute.Create(CKA.CKA_TOKEN, true), attribute.Create(CKA.CKA_PRIVATE, true), attribute.Create(CKA.CKA_SENSITIVE, true),
                attribute.Create(CKA.CKA_EXTRACTABLE, false), attribute.Create(CKA.CKA_ENCRYPT, true), attribute.Create(CKA.CKA_DECRYPT, true),
            ]);
        });
        _ = Keys(again: true);
    }

    /// <summary>Destroys a key. False when it is not there.</summary>
    public bool Destroy(string id)
    {
        var there = Keys(again: true).Any(k => k.Id == id);
        if (there)
        {
            Use(open =>
            {
                open.DestroyObject(HandleOf(id));
                return true;
            });
            _ = Keys(again: true);
        }

        return there;
    }

    public static IMechanism Gcm(ISession open, byte[] nonce, byte[] associated) => open.Factories.MechanismFactory.Create(
        CKM.CKM_AES_GCM, open.Factories.MechanismParamsFactory.CreateCkGcmParams(nonce, (ulong)nonce.Length * 8, associated, TagBits));

    public void Dispose()
    {
        lock (Turn)
        {
            Drop();
        }
    }

    /// <summary>Runs a call; when it fails the session is opened anew and the call made once more.</summary>
    /// <exception cref="Pkcs11Exception">It failed again on a session that works: it is the call's own fault.</exception>
    /// <exception cref="TokenUnavailableException">The token cannot be reached, or does not let us in.</exception>
    private T Use<T>(Func<ISession, T> call)
    {
        lock (Turn)
        {
            if (sessionOf != loads)
            {
                // Ended with the module it belonged to; its number may be another's by now.
                session = null;
            }

            if (session is not null)
            {
                try
                {
                    return call(session);
                }
                catch (Pkcs11Exception)
                {
                    Drop();
                }
            }

            return call(Open());
        }
    }

    private ISession Open()
    {
        if (pinRefused || Environment.TickCount64 < restsUntil)
        {
            throw new TokenUnavailableException(Fault!);
        }

        try
        {
            var slot = Load().GetSlotList(SlotsType.WithTokenPresent).Find(IsOurs) ?? throw Gone($"There is no token {address.Token} in {address.Library}.", null);
            session = slot.OpenSession(SessionType.ReadWrite);
            sessionOf = loads;
            LogIn(session);
            keys = FindKeys(session);
            if (Fault is not null)
            {
                log.LogWarning("The token {Token} answers again.", address.Token);
                Fault = null;
            }

            return session;
        }
        catch (Pkcs11Exception fault)
        {
            pinRefused = fault.RV is CKR.CKR_PIN_INCORRECT or CKR.CKR_PIN_LOCKED or CKR.CKR_PIN_EXPIRED or CKR.CKR_PIN_INVALID or CKR.CKR_PIN_LEN_RANGE;
            throw Gone(pinRefused
                ? $"The token {address.Token} refuses its PIN ({fault.RV}). It is not tried again, so that the token does not lock; correct it and restart."
                : $"The token {address.Token} does not answer ({fault.RV}).", fault);
        }
        catch (Exception fault) when (fault is DllNotFoundException or BadImageFormatException or UnmanagedException or EntryPointNotFoundException)
        {
            throw Gone($"{address.Library} cannot be loaded as a PKCS#11 module ({fault.Message}).", fault);
        }
    }

    /// <summary>The module; loaded anew when the token was away, as many look for tokens only then.</summary>
    private IPkcs11Library Load()
    {
        if (Loaded.TryGetValue(address.Library, out var library))
        {
            if (Fault is null)
            {
                return library;
            }

            Loaded.Remove(address.Library);
            library.Dispose();
        }

        loads++;
        return Loaded[address.Library] = Factories.Pkcs11LibraryFactory.LoadPkcs11Library(Factories, address.Library, AppType.MultiThreaded);
    }

    private bool IsOurs(ISlot slot)
    {
        try
        {
            return slot.GetTokenInfo().Label.TrimEnd() == address.Token;
        }
        catch (Pkcs11Exception)
        {
            // Another token of this module is out of order.
            return false;
        }
    }

    private void LogIn(ISession open)
    {
        var pin = address.ReadPin();
        try
        {
            open.Login(CKU.CKU_USER, pin);
        }
        catch (Pkcs11Exception fault) when (fault.RV == CKR.CKR_USER_ALREADY_LOGGED_IN)
        {
            // Another session of this process did.
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pin);
        }
    }

    private List<FoundKey> FindKeys(ISession open)
    {
        var attribute = Factories.ObjectAttributeFactory;
        return open.FindAllObjects([
            attribute.Create(CKA.CKA_CLASS, CKO.CKO_SECRET_KEY), attribute.Create(CKA.CKA_KEY_TYPE, CKK.CKK_AES),
            attribute.Create(CKA.CKA_LABEL, address.Key)]).ConvertAll(handle =>
        {
            var id = open.GetAttributeValue(handle, [CKA.CKA_ID])[0].GetValueAsByteArray();
            return new FoundKey(KeyInToken.IdFrom(open, handle), id.TakeLast(8).Aggregate(0UL, (number, next) => (number << 8) | next), handle);
        });
    }

    private IObjectHandle HandleOf(string id) => keys.Find(k => k.Id == id) is { Handle: { } handle }
        ? handle
        : throw Gone($"The token {address.Token} no longer holds sealing key {id}.", null);

    private TokenUnavailableException Gone(string fault, Exception? inner)
    {
        Drop();
        restsUntil = Environment.TickCount64 + RestMilliseconds;
        if (Fault != fault)
        {
            Fault = fault;
            log.LogError("{Fault} What must be opened with its keys is refused.", fault);
        }

        return new TokenUnavailableException(fault, inner);
    }

    private void Drop()
    {
        try
        {
            session?.Dispose();
        }
        catch (Pkcs11Exception)
        {
            // It is gone already.
        }

        session = null;
    }
}
